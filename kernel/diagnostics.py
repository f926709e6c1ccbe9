"""What the product's programs write about themselves: one line of JSON an event, and never content.

An exception is told by its type and the places it passed, not by its message: messages of libraries quote values.
Only fields of plain numbers, words and codes are written; anything else is told by its type.
"""

import datetime as dt
import json
import logging
import traceback
from typing import Any

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
QUIET = ("urllib3", "google", "googleapiclient", "requests_oauthlib", "oauthlib", "rq", "werkzeug", "sqlalchemy")
"""Libraries that never say more than warnings: of every call they would write addresses, queries, even tokens."""
_FRAMES = 6
_LONGEST = 300


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, event, and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line."""
        said: dict[str, Any] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage()[:_LONGEST],
        }
        said.update({name: _plain(value) for name, value in vars(record).items() if name not in _PLAIN})
        if record.exc_info and record.exc_info[0] is not None:
            said["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])[-_FRAMES:]
            said["places"] = [f"{frame.filename}:{frame.lineno}" for frame in frames]
        return json.dumps(said)


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return f"<{type(value).__name__}>"


def tell(level: str) -> None:
    """From now on this process writes its events as JSON lines to standard error, from `level` upwards."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # When a line cannot be written, logging would print the error under way instead, and what that quotes.
    logging.raiseExceptions = False
    for quiet in QUIET:
        logging.getLogger(quiet).setLevel(max(logging.WARNING, logging.getLevelName(level)))

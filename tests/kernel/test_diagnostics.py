"""What the programs write about themselves never holds content."""

import json
import logging

from kernel.diagnostics import JsonLines


def line_of(record: logging.LogRecord) -> dict[str, object]:
    return json.loads(JsonLines().format(record))


def test_an_event_is_one_line_with_its_own_fields() -> None:
    record = logging.makeLogRecord({"name": "sync", "levelno": 20, "levelname": "INFO", "msg": "page stored"})
    record.count = 12
    said = line_of(record)
    assert said["event"] == "page stored"
    assert said["count"] == 12
    assert said["level"] == "info"


def test_an_exception_is_told_by_type_and_places_not_by_its_message() -> None:
    try:
        int("canary@example.org")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.makeLogRecord({"msg": "answer failed", "levelname": "ERROR", "exc_info": info})
    text = JsonLines().format(record)
    assert "canary" not in text
    assert json.loads(text)["error"] == "ValueError"
    assert "test_diagnostics.py" in text


def test_a_field_that_is_not_plain_is_told_by_its_type() -> None:
    record = logging.makeLogRecord({"msg": "x", "levelname": "INFO", "value": object()})
    assert line_of(record)["value"] == "<object>"


def test_a_long_message_is_cut() -> None:
    assert len(str(line_of(logging.makeLogRecord({"msg": "a" * 5000, "levelname": "INFO"}))["event"])) == 300

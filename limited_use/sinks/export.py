"""The sink `export`: files that a member takes along, as CSV or JSON.

CSV is RFC 4180 in UTF-8, begun with a byte order mark, for without one Excel reads UTF-8 as something else; JSON has
none, as RFC 8259 wants it. A cell of text that a spreadsheet would take for a formula is disarmed with an apostrophe,
also where a formula would begin if the file were cut at semicolons or lines, as spreadsheets of other languages do: so
a name like `=HYPERLINK(…)` cannot act where the file is opened. JSON gives every value as it is.
"""

import csv as csv_module
import decimal
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import orjson

from limited_use.asking import Asking, Sink
from limited_use.release import Guard, Withheld
from limited_use.sinks.batches import in_batches
from limited_use.sinks.trees import Tree, Unguarded, collect, fill, plain

MARK = "\ufeff".encode()
"""The byte order mark that a CSV file begins with."""
_BREAKS = r"\t\r\n\v\f\x85\u2028\u2029"
_QUOTES = "\"'`‘’‚“”„«»"  # noqa: RUF001 -- quotation marks of other languages
_UNSEEN = r"\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_STARTS = r"[=+\-@|%＝＋－＠]"  # noqa: RUF001 -- full-width forms
_FORMULA = re.compile(
    rf"^(?=[{_BREAKS}]|[\s{_UNSEEN}{_QUOTES}]*{_STARTS})|(?<=[;{_BREAKS}])(?=(?:[^\S{_BREAKS}]|[{_UNSEEN}{_QUOTES}])*{_STARTS})"
)
"""Where a formula could begin: at the start, or after what may part cells and rows, behind blanks and quotes."""
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")


def csv(guard: Guard, asking: Asking, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Return the rows of guarded values (or None) as CSV, a thousand at a time, each with its leaf.

    Raises:
        Refused: if a cell is a bare value, the credential is of another class, or the guard refuses.
    """
    _check_sink(guard, asking)
    head = MARK + _lines([header])

    def release(batch: list[Sequence[Any]]) -> bytes:
        nonlocal head
        made = head + _release(guard, asking, batch, _cell, _lines)
        head = b""
        return made

    return in_batches(rows, release)


def json(guard: Guard, asking: Asking, name: str, records: Iterable[Mapping[str, Tree]]) -> Iterator[bytes]:
    """Return one JSON object with the records in a list under `name`, a thousand at a time, each with its leaf.

    A file that was cut off does not parse.

    Raises:
        Refused: as for `csv`.
    """
    _check_sink(guard, asking)
    before = b'{"%s":[\n' % name.encode()

    def release(batch: list[Mapping[str, Tree]]) -> bytes:
        nonlocal before
        made = _release(guard, asking, batch, plain, _json_list)
        made, before = before + made, b",\n"
        return made

    return chain(in_batches(records, release), [b"\n]}\n"])


def jsonl(guard: Guard, asking: Asking, records: Iterable[Mapping[str, Tree]]) -> Iterator[bytes]:
    """Return the records as lines of JSON, a thousand at a time, each with its leaf.

    Raises:
        Refused: as for `csv`.
    """
    _check_sink(guard, asking)

    def release(batch: list[Mapping[str, Tree]]) -> bytes:
        return _release(guard, asking, batch, plain, _json_lines)

    return in_batches(records, release)


def _check_sink(guard: Guard, asking: Asking) -> None:
    if asking.sink is not Sink.EXPORT:
        guard.refuse(asking, "wrong_sink")


def _release(
    guard: Guard, asking: Asking, batch: list[Any], show: Callable[[Any], Any], write: Callable[[list[Any]], bytes]
) -> bytes:
    values: list[Any] = []
    try:
        collect(batch, values)
    except Unguarded:
        guard.refuse(asking, "unknown_origin")

    def deliver(opened: list[Any]) -> bytes:
        return write(fill(batch, opened, show))

    return guard.release(asking, values, deliver, records=len(batch))


def _json_lines(records: list[Any]) -> bytes:
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)


def _json_list(records: list[Any]) -> bytes:
    return b",\n".join(map(orjson.dumps, records))


def _cell(value: Any) -> Any:
    """Return what stands in a cell: a withheld value says so, text cannot act, a number stays one."""
    if isinstance(value, Withheld):
        return f"withheld ({value.source})"
    if isinstance(value, str):
        return disarmed(value)
    return value if isinstance(value, decimal.Decimal) else plain(value)


def disarmed(text: str) -> str:
    """Return the text of a cell with an apostrophe wherever a spreadsheet could begin a formula, no control marks."""
    return _FORMULA.sub("'", _CONTROLS.sub("", text))


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    lines = io.StringIO()
    csv_module.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines.getvalue().encode()

"""People → Export: what a member sees, as a file to take along.

The sink is `export` and the feature `export`, whatever the form says: it chooses among the tables and formats below and
nothing else. A file is asked for with a form of our own, so that no other site can have one made; it is sent as it is
read, a thousand records at a time, each thousand decided and in the log before its first byte.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from accounts.members import Viewer
from crm import files
from kernel.errors import BadInput, TooLarge
from kernel.runtime import Runtime
from limited_use.asking import ActorClass, Asking, Purpose, Sink
from limited_use.release import guard
from limited_use.sinks import export
from web.api import trees
from web.callers import caller, current_viewer, this_runtime
from web.render import page

blueprint = Blueprint("export", __name__)

FEATURE = "export"
MOST_ROWS = 1_000_000
"""A spreadsheet holds 1,048,576 rows."""
_TOO_LARGE = "There are more than 1,000,000 rows, which no spreadsheet holds. Take them through the API, page by page."


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be taken along."""

    title: str
    table: files.Table


CHOICES = {
    "people": Choice("People", files.PEOPLE),
    "notes": Choice("Notes", files.NOTES),
    "tasks": Choice("Tasks", files.TASKS),
    "deals": Choice("Deals", files.DEALS),
}
FORMATS = {
    "csv": ("CSV, for spreadsheets", "text/csv; charset=utf-8; header=present"),
    "json": ("JSON, in full", "application/json"),
    "jsonl": ("JSON lines, in full, for programs", "application/x-ndjson; charset=utf-8"),
}


@blueprint.get("/people/export")
@caller("member")
def choose() -> Response:
    """Answer with what can be taken along, and how much there is of each."""
    viewer = current_viewer()
    with this_runtime().sessions() as session:
        counts = {name: files.count(session, viewer, choice.table) for name, choice in CHOICES.items()}
    # A page of People's: for the feature `export`, Google's values are opened into files alone.
    return page("export/choose.html", feature="people", choices=CHOICES, formats=FORMATS, counts=counts)


@blueprint.post("/people/export")
@caller("member")
def download() -> Response:
    """Answer with the file that was chosen."""
    name, form = request.form.get("what", ""), request.form.get("format", "")
    if name not in CHOICES or form not in FORMATS:
        raise BadInput("Choose what to export, and in which format.")
    runtime, viewer = this_runtime(), current_viewer()
    with runtime.sessions() as session:
        if files.is_larger(session, viewer, CHOICES[name].table, MOST_ROWS):
            raise TooLarge(_TOO_LARGE)
    answer = Response(_made(runtime, viewer, name, form), content_type=FORMATS[form][1])
    today = runtime.clock.now().date().isoformat()
    answer.headers["Content-Disposition"] = f'attachment; filename="crm-{name}-{today}.{form}"'
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


def _made(runtime: Runtime, viewer: Viewer, name: str, form: str) -> Iterator[bytes]:
    """Return the file's bytes; the first thousand records are decided before this returns."""
    asking, table = _asking(viewer), CHOICES[name].table
    if form == "csv":
        return export.csv(guard(runtime), asking, table.columns, files.rows(runtime.sessions, viewer, table))
    records = _records(runtime, viewer, name)
    if form == "json":
        return export.json(guard(runtime), asking, name, records)
    return export.jsonl(guard(runtime), asking, records)


def _records(runtime: Runtime, viewer: Viewer, name: str) -> Iterator[dict[str, Any]]:
    if name == "people":
        for found in files.people_in_full(runtime.sessions, viewer):
            yield {**trees.row(found.row), **trees.rest(found)}
    else:
        table = CHOICES[name].table
        for row in files.rows(runtime.sessions, viewer, table):
            yield dict(zip(table.columns, row, strict=True))


def _asking(viewer: Viewer) -> Asking:
    organisation_id, member_id = viewer.organisation_id, viewer.member_id
    return Asking(organisation_id, member_id, ActorClass.MEMBER, FEATURE, Purpose.USER_FEATURE, Sink.EXPORT)

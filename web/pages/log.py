"""The Limited Use log: for auditors and admins, filtered, verified on request; and its public side for outsiders.

The public addresses (`/log/checkpoint`, `/log/vkey`, `/log/tile/…`, C2SP tlog-tiles) hold pseudonyms and counts only.
Reading the log is itself written to the log.
"""

import datetime as dt
import enum
import uuid
from typing import TYPE_CHECKING, TypeVar

from flask import Blueprint, Response, abort, make_response, request

from accounts import grants
from kernel.errors import BadInput
from limited_use.keys import vault
from limited_use.log import query, serve
from limited_use.log.integrator import log_signer
from limited_use.log.record import integrate
from limited_use.log.sources import DatabaseSource
from limited_use.log.verify import Report, verify
from limited_use.log.words import Decision, Kind, Sink
from limited_use.policy import shipped_policy
from limited_use.sealing import System
from limited_use.why import relations_of, why
from oauth import events
from web.callers import caller, current_viewer, this_runtime
from web.render import page

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

blueprint = Blueprint("log", __name__)

W = TypeVar("W", bound=enum.StrEnum)

EXPLAINED = {
    Decision.OPEN: "opened",
    Decision.WITHHOLD: "withheld",
    Decision.REFUSE: "refused",
    Decision.EVENT: "happened",
}
_LAST = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
_LONGEST_NUMBER = 19
"""Of digits that PostgreSQL's bigint does not always hold."""
TONES = {Decision.OPEN: "good", Decision.WITHHOLD: "warn", Decision.REFUSE: "bad", Decision.EVENT: "info"}


@blueprint.get("/log")
@caller("auditor")
def show() -> Response:
    """Answer with one page of leaves, newest first, and how many there are of each kind."""
    filters = _filters(request.args)
    before = _number(request.args.get("before", ""))
    if before is None:
        _note("page")
    with this_runtime().begin() as work:
        organisation_id = current_viewer().organisation_id
        found = query.leaves(work.session, organisation_id, filters, query.Page(before))
        facets = query.facets(work.session, organisation_id, filters)
    return _page(found, facets, filters, report=None)


@blueprint.post("/log/verify")
@caller("auditor")
def check() -> Response:
    """Build the whole tree anew, hold all that is stored against it, and answer with what was found."""
    runtime = this_runtime()
    _note("verify")
    signer = log_signer(runtime)
    integrate(runtime.sessions, signer, runtime.clock)
    report = verify(DatabaseSource(runtime.sessions, signer.verifier))
    with runtime.begin() as work:
        organisation_id = current_viewer().organisation_id
        found = query.leaves(work.session, organisation_id, query.Filters(), query.Page())
        facets = query.facets(work.session, organisation_id, query.Filters())
    return _page(found, facets, query.Filters(), report=report)


@blueprint.get("/log/<path:path>")
@caller("public")
def public(path: str) -> Response:
    """Answer with a checkpoint, the public key, a tile or a bundle of entries."""
    runtime = this_runtime()
    with runtime.sessions() as session:
        found = serve.answer(session, path, log_signer(runtime).verifier)
    if found is None:
        abort(404)
    response = make_response(found.body)
    response.headers["Content-Type"] = found.content_type
    response.headers["Cache-Control"] = found.cache_control
    return response


def _page(
    found: query.Rows, facets: dict[str, dict[str, int]], filters: query.Filters, report: Report | None
) -> Response:
    owners = _owners()
    rows = [
        (row, System(row.leaf.at), TONES[row.leaf.decision], EXPLAINED[row.leaf.decision], _why(row, owners))
        for row in found.rows
    ]
    return page(
        "log.html",
        feature="log",
        rows=rows,
        before=found.before,
        facets=facets,
        chosen=_chosen(filters),
        explained=EXPLAINED,
        features=shipped_policy().features,
        report=report,
        vkey=log_signer(this_runtime()).vkey,
    )


def _owners() -> dict[str, uuid.UUID]:
    """Return who owns each of the organisation's grants, by its pseudonym in the log."""
    runtime, organisation_id = this_runtime(), current_viewer().organisation_id
    with runtime.sessions() as session:
        owned = grants.owners(session, organisation_id)
    if not owned:  # an organisation without a grant may have no keys yet
        return {}
    keys = vault(runtime)
    return {keys.pseudonym(organisation_id, "grant", grant_id): member_id for grant_id, member_id in owned}


def _why(row: query.Row, owners: dict[str, uuid.UUID]) -> list[str]:
    return why(row.leaf, relations_of(row.leaf, row.actor_id, owners))


def _chosen(filters: query.Filters) -> dict[str, str]:
    """Return what is filtered by, as the form and the links to further pages say it."""
    chosen = {
        "sink": next(iter(filters.sinks), ""),
        "decision": next(iter(filters.decisions), ""),
        "kind": next(iter(filters.kinds), ""),
        "feature": next(iter(filters.features), ""),
        "since": filters.since.date().isoformat() if filters.since else "",
        "until": (filters.until - dt.timedelta(days=1)).date().isoformat() if filters.until else "",
    }
    return {name: str(value) for name, value in chosen.items()}


def _filters(said: "MultiDict[str, str]") -> query.Filters:
    until = _day(said.get("until", ""))
    feature = said.get("feature", "")
    return query.Filters(
        sinks=_words(said.get("sink", ""), Sink),
        decisions=_words(said.get("decision", ""), Decision),
        kinds=_words(said.get("kind", ""), Kind),
        features=(feature,) if feature in shipped_policy().features else (),
        since=_day(said.get("since", "")),
        until=until + dt.timedelta(days=1) if until and until < _LAST else None,
    )


def _words(said: str, words: type[W]) -> tuple[W, ...]:
    if not said:
        return ()
    try:
        return (words(said),)
    except ValueError:
        raise BadInput("The log has no such word. Choose one from the list.") from None


def _number(said: str) -> int | None:
    """Return the number of a leaf; None for what can be none."""
    return int(said) if said.isascii() and said.isdigit() and len(said) < _LONGEST_NUMBER else None


def _day(said: str) -> dt.datetime | None:
    if not said:
        return None
    try:
        return dt.datetime.combine(dt.date.fromisoformat(said), dt.time(), dt.UTC)
    except ValueError:
        raise BadInput("Write days like 2026-11-22.") from None


def _note(what: str) -> None:
    viewer, runtime = current_viewer(), this_runtime()
    with runtime.begin() as work:
        events.record(
            runtime,
            work.session,
            Kind.LOG_READ,
            viewer.organisation_id,
            member_id=viewer.member_id,
            reason=what,
            feature="log",
        )

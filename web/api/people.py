"""`GET /api/v1/people`: what a token's own member sees, as JSON, for a program of theirs.

Values from Google are opened when the token's member owns the grant, for a destination of class `api`; a token for an
AI tool, or one without a destination, gets nothing here and is told where to ask.
"""

import uuid
from typing import NoReturn

from flask import Blueprint, Response, request

from crm import exporting, people, search
from crm.paging import LARGEST_PAGE, Page, cursors
from kernel.errors import BadInput, NotFound
from limited_use.asking import Sink, WrongSink
from limited_use.keys import vault
from limited_use.release import guard
from limited_use.sealing import System
from limited_use.sinks import api
from limited_use.sinks.trees import Tree
from web.api import tokens, trees
from web.callers import caller, this_runtime

blueprint = Blueprint("api_people", __name__)
CSRF_EXEMPT = True  # callers are programs with a token, and no cookie of ours counts here
install = tokens.install

FEATURE = "api"
LIST = "api.people"
LONGEST_QUESTION = 200


@blueprint.get("/api/v1/people")
@caller("token")
def list_people() -> Response:
    """Answer with a page of people, by the member's own last contact; or with those that `q` finds."""
    _check()
    asked = request.args.get("q", "").strip()
    if asked:
        return _found(asked)
    runtime, viewer = this_runtime(), tokens.viewer()
    after = cursors(runtime).read(viewer, LIST, request.args.get("cursor"))
    with runtime.sessions() as session:
        found = people.list_people(session, viewer, Page(_limit(), after))
    following = cursors(runtime).write(viewer, LIST, found.next)
    return _answer(
        {"people": [trees.row(row) for row in found.rows], "next_cursor": System(following)}, len(found.rows)
    )


@blueprint.get("/api/v1/people/<uuid:person_id>")
@caller("token")
def show_person(person_id: uuid.UUID) -> Response:
    """Answer with one person in full: every fact, and the notes, tasks and deals about them."""
    _check()
    with this_runtime().sessions() as session:
        found = exporting.records_of(session, tokens.viewer(), [person_id])
    if not found:
        raise NotFound
    return _answer({**trees.row(found[0].row), **trees.rest(found[0])}, 1)


def _found(asked: str) -> Response:
    if len(asked) > LONGEST_QUESTION or request.args.get("cursor"):
        raise BadInput("`q` takes at most 200 characters and no cursor: what it finds is one page.")
    runtime, viewer = this_runtime(), tokens.viewer()
    with runtime.sessions() as session:
        found = search.search(session, vault(runtime).indexer(viewer.organisation_id), viewer, asked)
    rows = found.people[: _limit()]
    return _answer({"people": [trees.row(row) for row in rows], "next_cursor": None}, len(rows))


def _check() -> None:
    tokens.check_scope(tokens.READ_PEOPLE)
    if tokens.credential().sink is not Sink.API:
        _refuse()


def _refuse() -> NoReturn:
    """Write the refusal to the log and say where such a token is answered."""
    credential = tokens.credential()
    try:
        guard(this_runtime()).refuse(credential.asking(FEATURE), "wrong_sink")
    except WrongSink:
        raise WrongSink(_ELSEWHERE.get(credential.sink, WrongSink.sentence)) from None


_ELSEWHERE = {
    Sink.AI_TOOL: "This token belongs to an AI tool, or names no destination, which counts as one. Ask "
    "/api/v1/ai/people.jsonl, or make a token in Settings for a destination that is a program of your own.",
    Sink.EXPORT: "This token belongs to a file export, so this address does not answer it. Make a token in Settings "
    "for a destination that is a program of your own.",
}


def _limit() -> int:
    said = request.args.get("limit", "50")
    if not (said.isascii() and said.isdigit() and 1 <= int(said) <= LARGEST_PAGE):
        raise BadInput(f"`limit` is a whole number from 1 to {LARGEST_PAGE}.")
    return int(said)


def _answer(tree: Tree, records: int) -> Response:
    asking = tokens.credential().asking(FEATURE)
    return Response(api.json(guard(this_runtime()), asking, tree, records=records), content_type="application/json")

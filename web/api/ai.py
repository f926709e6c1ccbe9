"""`GET /api/v1/ai/people.jsonl`: what users wrote, for AI tools, one person a line.

Off until an admin allows it. Only people whom users made or touched are there; of what Google gave about them a mark
says that it is withheld, and people known only from Google leave no trace.
"""

from flask import Blueprint, Response

from crm import exporting
from limited_use.asking import Sink, WrongSink
from limited_use.release import guard
from limited_use.sinks import ai_tool
from web.api import tokens, trees
from web.callers import caller, this_runtime

blueprint = Blueprint("api_ai", __name__)
CSRF_EXEMPT = True  # callers are programs with a token, and no cookie of ours counts here
install = tokens.install

FEATURE = "ai_export"


@blueprint.get("/api/v1/ai/people.jsonl")
@caller("token")
def export_people() -> Response:
    """Answer with every person whom users made or touched, released a thousand at a time."""
    tokens.check_scope(tokens.READ_PEOPLE)
    runtime, credential = this_runtime(), tokens.credential()
    asking = credential.asking(FEATURE)
    if credential.sink is not Sink.AI_TOOL:
        try:
            guard(runtime).refuse(asking, "wrong_sink")
        except WrongSink:
            raise WrongSink("This token does not belong to an AI tool. Ask /api/v1/people.") from None
    records = (trees.for_ai(found) for found in exporting.users_people(runtime.sessions, tokens.viewer()))
    # The first thousand are decided here, before the first byte: a refusal is an error, not a broken file.
    lines = ai_tool.jsonl(guard(runtime), asking, records)
    return Response(lines, content_type="application/x-ndjson; charset=utf-8")

"""Whether this process answers: for load balancers, watchers and `make run`."""

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from web.callers import caller, this_runtime

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@caller("public")
def healthz() -> Response:
    """Answer 200 when the databases and Redis answer; else raise, which gives 500 and no detail."""
    runtime = this_runtime()
    for sessions in (runtime.sessions, runtime.key_sessions):
        with sessions() as session:
            session.execute(text("select 1"))
    runtime.redis.ping()
    return jsonify({"status": "ok"})

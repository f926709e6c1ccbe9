"""The tick: App Engine's cron calls it every minute, so that scheduled work goes on even where no worker has ticked.

Who may call is decided by one header. App Engine removes `X-Appengine-*` from whatever comes from outside and puts
`X-Appengine-Cron: true` on the calls of its own scheduler alone, so there the header can be believed. Anywhere else
anyone could send it, so anywhere else it is worth nothing and every call is refused; the workers tick by themselves.
Source: App Engine, "Scheduling jobs with cron.yaml", "Securing URLs for cron" and "Request headers".
"""

from flask import Blueprint, Flask, Response, jsonify, request

from kernel import jobs
from kernel.errors import Forbidden
from kernel.runtime import Runtime
from web.callers import caller, check_callers, this_runtime

blueprint = Blueprint("scheduler", __name__)

_KINDS = "web.pages.scheduler.kinds"


def install(app: Flask, runtime: Runtime) -> None:
    """Let the application know App Engine's scheduler when it calls."""

    def check() -> None:
        told = request.headers.get("X-Appengine-Cron")
        if not runtime.settings.on_app_engine or told != "true":
            raise Forbidden("Only the scheduler of the platform may call this.")

    check_callers(app, "scheduler", check)


@blueprint.get("/scheduler/tick")
@caller("scheduler")
def tick() -> Response:
    """Answer once every scheduled kind of work has an open run; a second call finds nothing to do."""
    runtime = this_runtime()
    runtime.part(_KINDS, jobs.load)  # kinds are registered as their modules are imported: once is enough
    return jsonify({"planned": jobs.tick(runtime)})

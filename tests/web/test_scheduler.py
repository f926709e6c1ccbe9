"""The scheduler's call: believed on App Engine alone, and as good as nothing the second time."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from kernel import jobs
from kernel.jobs import Run
from kernel.jobs.kinds import period_of
from kernel.runtime import Runtime
from tests.signing_in import PUBLIC
from web.app import create_app

TICK = "/scheduler/tick"
CRON = {"X-Appengine-Cron": "true"}


def client_of(runtime: Runtime, *, on_app_engine: bool) -> FlaskClient:
    there = replace(runtime, settings=replace(runtime.settings, on_app_engine=on_app_engine))
    return create_app(there, ("web.pages.home", "web.pages.scheduler")).test_client()


def planned(runtime: Runtime) -> dict[str, int]:
    with runtime.sessions() as session:
        return dict(session.execute(select(Run.kind, func.count()).group_by(Run.kind)).all())


def test_a_tick_plans_every_scheduled_kind_once_however_often_it_comes(runtime: Runtime) -> None:
    client = client_of(runtime, on_app_engine=True)
    first = client.get(TICK, base_url=PUBLIC, headers=CRON)
    again = client.get(TICK, base_url=PUBLIC, headers=CRON)
    assert (first.status_code, again.status_code) == (200, 200)
    runs = planned(runtime)
    assert runs
    assert set(runs.values()) == {1}
    assert all(period_of(kind) is not None for kind in runs)
    assert first.json == {"planned": len(runs)}
    assert again.json == {"planned": 0}
    assert jobs.tick(runtime) == 0


@pytest.mark.parametrize("headers", [{}, {"X-Appengine-Cron": "false"}, {"X-Appengine-Cron": "true, true"}])
def test_on_app_engine_a_call_without_the_schedulers_header_is_refused(
    runtime: Runtime, headers: dict[str, str]
) -> None:
    answer = client_of(runtime, on_app_engine=True).get(TICK, base_url=PUBLIC, headers=headers)
    assert answer.status_code == 403
    assert planned(runtime) == {}


def test_elsewhere_the_header_is_worth_nothing(runtime: Runtime) -> None:
    answer = client_of(runtime, on_app_engine=False).get(TICK, base_url=PUBLIC, headers=CRON)
    assert answer.status_code == 403
    assert planned(runtime) == {}

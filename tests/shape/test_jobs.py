"""Every kind of work takes ids and nothing else, in its handler and in what waits in the queue."""

import inspect
import re
import uuid

import pytest

from kernel import jobs
from kernel.jobs import kinds
from kernel.runtime import Runtime

jobs.load()
KINDS = sorted(name for name, handler in kinds._handlers.items() if not handler.__module__.startswith("tests."))
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_the_product_has_its_kinds() -> None:
    assert {"sync.mail", "sync.calendars", "sync.calendar", "sync.contacts", "crm.tidy"} <= set(KINDS)
    assert {"oauth.end_grant"} <= set(KINDS) or any(kind.startswith("oauth.") for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_takes_the_runtime_one_id_and_its_lease(kind: str) -> None:
    handler = kinds.handler_of(kind)
    assert handler is not None
    parameters = list(inspect.signature(handler, eval_str=True).parameters.values())
    assert [one.annotation for one in parameters] == [Runtime, uuid.UUID, jobs.Lease]
    assert {one.kind for one in parameters} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert {one.default for one in parameters} == {inspect.Parameter.empty}
    assert inspect.getdoc(handler)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_named_after_the_package_that_does_it(kind: str) -> None:
    handler = kinds.handler_of(kind)
    assert handler is not None
    assert handler.__module__.split(".")[0] == kind.split(".", maxsplit=1)[0]


def test_the_queue_holds_ids_and_numbers_alone(runtime: Runtime) -> None:
    with runtime.begin() as work:
        for kind in KINDS:
            work.later(kind, uuid.uuid4())
    waiting = runtime.queue.get_jobs()
    assert len(waiting) == len(KINDS)
    for job in waiting:
        assert not job.kwargs
        assert not job.meta
        for argument in job.args:
            assert isinstance(argument, int) or UUID.fullmatch(argument)
        assert re.fullmatch(rf"run-{UUID.pattern}-\d+", job.id)

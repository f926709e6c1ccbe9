"""The queue that wakes workers: RQ on Redis, JSON, ids only."""

import logging
import uuid
from typing import Any

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from kernel.jobs.runs import Run

__all__ = ["NAME", "Queue", "job_id", "open_queue", "queued_ids", "wake", "wake_lease"]

NAME = "runs"
FUNCTION = "kernel.jobs.execute"
_LONGEST_S = 900  # a handler works page by page; one that takes longer than this hangs
_KEPT_S = 60

_log = logging.getLogger(__name__)


def open_queue(client: "redis.Redis") -> Queue:
    """Return the queue on this Redis."""
    return Queue(NAME, connection=client, serializer=JSONSerializer, default_timeout=_LONGEST_S)


def job_id(run_id: uuid.UUID, lease: int) -> str:
    """Return RQ's id for waking a run at that lease number: one id, one taking."""
    return f"run-{run_id}-{lease}"


def wake(queue: Queue, run: Run) -> None:
    """A worker is told of the run, if Redis answers; if not, the sweep will tell one."""
    wake_lease(queue, run.id, run.lease)


def wake_lease(queue: Queue, run_id: uuid.UUID, lease: int) -> None:
    """A worker is told that the run may be taken at this lease number."""
    name = job_id(run_id, lease)
    try:
        queue.enqueue_call(
            FUNCTION,
            args=(str(run_id), lease),
            job_id=name,
            description=name,
            result_ttl=0,
            failure_ttl=_KEPT_S,
            timeout=_LONGEST_S,
        )
    except redis.RedisError as error:
        _log.warning("run not announced, the sweep will", extra={"job": name, "error": type(error).__name__})


def queued_ids(queue: Queue) -> set[str]:
    """Return the ids that wait in the queue; RQ's own notion of a job's state is not asked."""
    waiting: Any = queue.connection.lrange(queue.key, 0, -1)
    return {entry.decode() for entry in waiting}

"""A worker with two kinds of work, run by the tests as a process of its own; what it did is written to Redis."""

import time
import uuid

from kernel import jobs
from kernel.runtime import Runtime, build
from kernel.settings import Settings


@jobs.register("t.quick")
def quick(runtime: Runtime, subject_id: uuid.UUID, lease: jobs.Lease) -> None:
    """Say that it was done."""
    runtime.redis.rpush("quick", str(subject_id), lease.number)


@jobs.register("t.long")
def long(runtime: Runtime, _subject_id: uuid.UUID, lease: jobs.Lease) -> jobs.Next | None:
    """Work in small pages until told to stop; the second taking ends at once."""
    runtime.redis.rpush("long", lease.number)
    if lease.number > 1:
        return None
    for _ in range(600):
        time.sleep(0.1)
        if lease.stopping:
            return jobs.Next()
    return None


if __name__ == "__main__":
    runtime = build(Settings.from_environment())
    jobs.work(runtime)
    runtime.close()

"""Work to be done later. The truth is a row (`Run`) with a due time and a lease number; RQ only wakes a worker.

A *kind* names a handler; a *run* is one piece of its work, on one subject; at most one run of a kind and subject is
open. A *lease* is the right to work on a run for a few seconds, extended while the handler lives; its number rises
with every taking, so a worker that lost it is told at its next `Lease.check`. The *sweep* wakes again whatever is due:
a lost wake, a killed worker, an emptied Redis cost seconds, never data. Invariants: a wake carries ids only (it is RQ's
description and stands in its logs); it is sent after the commit that planned the run; a second delivery does nothing;
RQ's registries, retries and results are never relied on.
"""

from kernel.jobs.attempt import execute
from kernel.jobs.kinds import Handler, Next, Retry, load, register, scheduled, tick
from kernel.jobs.lease import Lease, LeaseLost
from kernel.jobs.queue import Queue, open_queue, wake
from kernel.jobs.runs import Run, drop, plan
from kernel.jobs.sweeping import sweep
from kernel.jobs.worker import work

__all__ = [
    "Handler",
    "Lease",
    "LeaseLost",
    "Next",
    "Queue",
    "Retry",
    "Run",
    "drop",
    "execute",
    "load",
    "open_queue",
    "plan",
    "register",
    "scheduled",
    "sweep",
    "tick",
    "wake",
    "work",
]

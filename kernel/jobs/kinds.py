"""The kinds of work: which handler does which, what a handler may answer, and what is done again and again."""

import importlib
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.jobs.lease import Lease
from kernel.jobs.runs import plan_if_absent

if TYPE_CHECKING:
    from kernel.runtime import Runtime

ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("accounts", "limited_use", "workspace", "oauth", "crm", "sync", "privacy", "addon", "web")
_REGISTERS = re.compile(r"^@(?:jobs\.)?(?:register|scheduled)\(", re.MULTILINE)

EVERYTHING = uuid.UUID(int=0)  # the subject of scheduled work, which has none


@dataclass(frozen=True)
class Next:
    """A handler's answer: the run stays open and is due again in so many seconds (0: at once, after others)."""

    after_s: float = 0


class Retry(Exception):  # noqa: N818 -- an instruction, not a fault
    """Raised by a handler that cannot go on now for a reason it understands: due again in `after_s` seconds."""

    def __init__(self, after_s: float, code: str) -> None:
        super().__init__(code)
        self.after_s = after_s
        self.code = code


Handler = Callable[["Runtime", uuid.UUID, Lease], Next | None]

_handlers: dict[str, Handler] = {}
_every_s: dict[str, float] = {}


def register(kind: str) -> Callable[[Handler], Handler]:
    """Return a decorator that makes a function the handler of `kind`; a kind has one handler."""

    def keep(handler: Handler) -> Handler:
        if _handlers.setdefault(kind, handler) is not handler:
            msg = f"the kind {kind!r} has a handler already"
            raise ValueError(msg)
        return handler

    return keep


def scheduled(kind: str, every_s: float) -> Callable[[Handler], Handler]:
    """Return a decorator as `register` does, for work without a subject that is due again `every_s` after its end."""
    _every_s[kind] = every_s
    return register(kind)


def load() -> list[str]:
    """Import each module of the product that registers a kind, and return their names; no list can forget one."""
    loaded = []
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            if _REGISTERS.search(path.read_text(encoding="utf-8")):
                loaded.append(".".join(path.relative_to(ROOT).with_suffix("").parts))
                importlib.import_module(loaded[-1])
    return loaded


def handler_of(kind: str) -> Handler | None:
    """Return the handler of `kind`, if this process knows it."""
    return _handlers.get(kind)


def period_of(kind: str) -> float | None:
    """Return how often scheduled work is done, None for other work."""
    return _every_s.get(kind)


def tick(runtime: "Runtime") -> int:
    """Every scheduled kind has an open run; return how many were made now."""
    made = 0
    with runtime.begin() as work:
        for kind in _every_s:
            made += plan_if_absent(work.session, kind, EVERYTHING, runtime.clock.now()) is not None
    return made

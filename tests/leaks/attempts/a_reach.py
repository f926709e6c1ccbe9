"""A: reaching into a sealed value past its methods: slots, collectors, debuggers, patches, other threads and tasks."""

# ruff: noqa: ARG005, PLW0108, TRY301, UP031 -- what an attacker would write

import asyncio
import contextvars
import copyreg
import ctypes
import faulthandler
import functools
import gc
import inspect
import io
import operator
import pdb  # noqa: T100 -- an attempt, told what to do
import pprint
import queue
import reprlib
import sys
import threading
import traceback
import types
import weakref
from collections import UserDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from crm.models import Message
from limited_use.asking import Tampered
from limited_use.labels import NATIVE
from limited_use.sealing import Labelled, Native, Place, Refusing, Sealed, SealedError, System
from limited_use.sinks.browser import Shown
from limited_use.sinks.presentations import PRESENTATIONS
from tests.leaks.pages import browser_page
from tests.leaks.registry import Act, attempt

_kept: list[Any] = []
_variable: contextvars.ContextVar[Any] = contextvars.ContextVar("value")


@dataclass
class _Row:
    value: Any


def shows(name: str, technique: str, act: Act, corpus: int | tuple[int, ...] = ()) -> None:
    """Register a way of showing a value that gives a constant or ciphertext."""
    attempt(name, sink="inspection", technique=technique, corpus=corpus)(act)


def refused(name: str, technique: str, act: Act, corpus: int | tuple[int, ...] = (), error: Any = SealedError) -> None:
    """Register a way of reaching in that is refused."""
    attempt(name, sink="inspection", technique=technique, corpus=corpus, refused=error)(act)


shows("A3-percent-r", "% formatting with r", lambda value: "%r" % (value,), 3)
shows("A7-repr", "repr", lambda value: repr(value), 7)
shows("A7-ascii", "ascii()", lambda value: ascii(value), 7)
shows("A2-fstring-equals", "f-string with =", lambda value: f"{value=}", (2, 7))
shows("A7-pprint", "pprint", lambda value: pprint.pformat({"v": [value]}), 7)
shows("A7-dataclass", "a dataclass's repr", lambda value: repr(_Row(value)), 7)
shows("A7-reprlib", "reprlib", lambda value: reprlib.repr([value]), 7)
shows("A7-namespace", "SimpleNamespace's repr", lambda value: repr(types.SimpleNamespace(v=value)), 7)
shows("A7-userdict", "UserDict's repr", lambda value: repr(UserDict({"v": value})), 7)
shows("A8-json-repr", "json.dumps with default=repr", lambda value: __import__("json").dumps(value, default=repr), 8)
refused("A10-vars", "vars()", lambda value: vars(value), 10, TypeError)
refused("A10-dict", "__dict__", lambda value: value.__dict__, 10, AttributeError)
refused("A10-attribute", "a public attribute", lambda value: value.value, 10, AttributeError)
refused("A10-attrgetter", "operator.attrgetter", lambda value: operator.attrgetter("value")(value), 10, AttributeError)
refused("A10-new-attribute", "a new attribute", lambda value: setattr(value, "seen", True), 10, AttributeError)
refused("A14-subclass", "a subclass", lambda value: type("Open", (type(value),), {"__str__": lambda s: s._wire}), 14)
refused("A14-sibling", "a class beside it", lambda value: type("Open", (Refusing,), {}), 14)
refused("A14-class", "another class for the object", lambda value: setattr(value, "__class__", _Row), 14, TypeError)
shows("A10-dir", "dir()", lambda value: dir(value), 10)
shows("A10-members", "inspect.getmembers", lambda value: [name for name, _ in inspect.getmembers(type(value))], 10)
shows("A10-slots", "the slots by their names", lambda sealed: [getattr(sealed, n) for n in Sealed.__slots__], 10)
shows("A10-descriptor", "the slots' descriptors", lambda sealed: Sealed.__dict__["_wire"].__get__(sealed), 10)
shows("A10-object", "object's own methods", lambda value: [object.__str__(value), object.__repr__(value)], 10)
shows("A10-sizeof", "its size, which tells the length of ciphertext at most", lambda value: sys.getsizeof(value), 10)
shows("A17-gc-referents", "what it refers to, by the collector", lambda sealed: _reachable(sealed), 17)
shows("A17-gc-referrers", "who refers to it, by the collector", lambda sealed: len(gc.get_referrers(sealed)), 17)
shows("A17-tracked", "every sealed value in memory", lambda sealed: _every_sealed(), 17)
refused("A17-weakref", "a weak reference", lambda value: weakref.ref(value, _kept.append), 17, TypeError)
refused("A17-weakdict", "a weak dictionary", lambda value: weakref.WeakKeyDictionary({value: 1}), 17, TypeError)
shows("A18-args", "an error's arguments", lambda value: _raised(value), 18)
shows("A18-group", "an error in a group", lambda value: _grouped(value), 18)
shows("A18-note", "an error's notes by repr", lambda value: _noted(value), 18)
shows("A19-thread", "a thread", lambda value: _in_thread(value), 19)
shows("A19-pool", "a pool of threads", lambda value: _in_pool(value), 19)
shows("A19-task", "an async task left behind", lambda value: _in_loop(value), 19)
shows("A19-generator", "a generator kept in a global", lambda value: _generator(value), 19)
shows("A19-queue", "a queue between threads", lambda value: _queued(value), 19)
shows("A30-faulthandler", "faulthandler's dump", lambda value: _dumped(value), 30)
shows("A30-locals", "a traceback with locals", lambda value: _traceback(value), 30)
shows("A30-frames", "the frames of every thread", lambda value: _frames(value), 30)
shows("A30-debugger", "a debugger printing it", lambda value: _debugged(value), 30)
shows("A30-trace", "a trace function's events", lambda value: _traced(value), 30)
shows("A30-profile", "a profile function's arguments", lambda value: _profiled(value), (26, 30))


@attempt("A10-ctypes", sink="inspection", technique="ctypes, the slots' memory", corpus=10)
def peeked(sealed):
    """Reading the object's memory gives its ciphertext and its place, and no more."""
    memory = ctypes.string_at(id(sealed), sys.getsizeof(sealed))
    wire = sealed._wire
    return [memory, ctypes.string_at(id(wire), sys.getsizeof(wire)), repr(sealed._place)]


@attempt(
    "A10-moved",
    sink="inspection",
    technique="changing a value's place in memory",
    refused=Tampered,
    leaf=("refuse", "browser", "tampered"),
    opens=True,
)
def replaced(house):
    """A place can be changed by writing past the type's back; what then opens is nothing."""
    values = house.rows(Message)
    for slot in ("_field", "_row_id"):
        object.__setattr__(values[0].subject, slot, getattr(values[1].subject, slot))
    browser_page(house, values[0].subject)


@attempt("A14-monkeypatch", sink="inspection", technique="methods put onto the class", corpus=14)
def patched(house, trap):
    """Conversions given back to the class give the ciphertext: there is nothing else in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sealed, "__str__", lambda self: repr(self._wire))
        patch.setattr(Sealed, "__bytes__", lambda self: self._wire)
        patch.setattr(Sealed, "__iter__", lambda self: iter(self._wire))
        patch.setattr(Sealed, "__eq__", lambda self, other: self._wire == other)
        for value in house.values().values():
            if type(value) is Sealed:
                trap.keep([str(value), bytes(value), list(value), value == b"offer"])


@attempt(
    "A14-metaclass", sink="inspection", technique="a virtual subclass", corpus=14, refused=(SealedError, TypeError)
)
def disguised(value):
    class Like:
        __class__ = type(value)

    return PRESENTATIONS["text"].make(value, None) + str(Shown(Like(), PRESENTATIONS["text"], ()))


@attempt("A14-copyreg", sink="copy", technique="a reducer registered for the class", corpus=(9, 14))
def registered(house):
    """Somebody teaches pickle to take sealed values apart: what is pickled is ciphertext."""
    import pickle

    copyreg.pickle(Sealed, lambda value: (Sealed, (value._wire, None)))
    try:
        return [pickle.dumps(value) for value in house.values().values() if type(value) is Sealed]
    finally:
        copyreg.dispatch_table.pop(Sealed)


@attempt("A14-singledispatch", sink="document", technique="a serializer registered for the class", corpus=(8, 14))
def dispatched(house):
    """A serializer that knows the class reads what it holds: ciphertext."""
    write = functools.singledispatch(repr)
    write.register(Sealed, lambda value: value._wire.hex())
    return [write(value) for value in house.values().values() if type(value) is Sealed]


@attempt("A14-forged-labelled", sink="label", technique="a label made empty by hand", corpus=14, refused=SealedError)
def unlabelled(value):
    return Labelled(value, NATIVE)


@attempt(
    "A14-rewrapped",
    sink="label",
    technique="a sealed value wrapped as native",
    leaf=("refuse", "browser", "unknown_origin"),
    refused=Exception,
)
def rewrapped(house, trap):
    """What a Native holds is not looked into: it is shown as it is, and a sealed value has no text."""
    for wrapper in (Native, System):
        with pytest.raises(SealedError):
            house.guard.release(house.asking(), [wrapper(house.mail().subject)], lambda opened: str(opened[0]))
    house.guard.release(house.asking(), [[house.mail().subject]], trap.keep)


@attempt("A19-context", sink="inspection", technique="a context variable seen by another request", corpus=19)
def leaked_context(house):
    """What one request left in a context variable is not there in the next; and it is sealed at that."""
    context = contextvars.copy_context()
    context.run(_variable.set, house.mail().subject)
    with house.app.test_request_context("/"):
        assert _variable.get(None) is None
    return repr(context.run(_variable.get))


def _reachable(value: Any) -> list[Any]:
    """Return everything that can be reached from a value, short of classes and modules."""
    seen: dict[int, Any] = {}
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if id(here) in seen or isinstance(here, type | types.ModuleType | types.FunctionType):
            continue
        seen[id(here)] = here
        waiting.extend(gc.get_referents(here))
    return [one for one in seen.values() if isinstance(one, str | bytes | int | tuple | Place)]


def _every_sealed() -> list[Any]:
    return [(one._wire, one._place) for one in gc.get_objects() if type(one) is Sealed][:500]


def _raised(value: Any) -> list[str]:
    try:
        raise ValueError(value, {"value": value})
    except ValueError as error:
        return [repr(error), repr(error.args), *traceback.format_exception_only(error)]


def _grouped(value: Any) -> str:
    try:
        raise ExceptionGroup("several", [ValueError(repr(value)), KeyError("v")])
    except ExceptionGroup as group:
        return "".join(traceback.format_exception(group))


def _noted(value: Any) -> str:
    error = ValueError("x")
    error.add_note(f"{value!r}")
    return "".join(traceback.format_exception(error))


def _in_thread(value: Any) -> str:
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(repr(value)), name="reader")
    thread.start()
    thread.join()
    return said[0]


def _in_pool(value: Any) -> str:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(repr, value).result()


def _in_loop(value: Any) -> str:
    """A loop of its own needs a thread of its own: the one here may have a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_task(value))).result()


async def _task(value: Any) -> str:
    async def hold() -> None:
        held = value
        await asyncio.sleep(0)
        _kept.append(repr(held))

    task = asyncio.create_task(hold())
    await task
    return repr(task)


def _generator(value: Any) -> str:
    def remember() -> Any:
        held = value
        yield repr(held)

    kept = remember()
    return next(kept) + repr(kept.gi_frame.f_locals if kept.gi_frame else "")


def _queued(value: Any) -> str:
    waiting: queue.Queue[Any] = queue.Queue()
    waiting.put(value)
    return repr(waiting.get()) + repr(waiting.queue)


def _dumped(value: Any) -> str:
    held = value
    faulthandler.dump_traceback(file=sys.__stderr__)
    return repr(held)


def _traceback(value: Any) -> str:
    try:
        return value.missing
    except AttributeError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def _frames(value: Any) -> str:
    held = value
    frames = sys._current_frames().values()
    return repr([{n: v for n, v in frame.f_locals.items() if type(v) is type(held)} for frame in frames])


def _debugged(value: Any) -> str:
    out = io.StringIO()
    debugger = pdb.Pdb(stdin=io.StringIO("p value\npp value\nargs\nq\n"), stdout=out)
    debugger.use_rawinput = False
    try:
        debugger.runcall(_stopped_in, value)
    except Exception as error:  # noqa: BLE001 -- the debugger ends so
        out.write(type(error).__name__)
    return out.getvalue()


def _stopped_in(value: Any) -> None:
    held = value
    assert held is not None


def _traced(value: Any) -> list[str]:
    said: list[str] = []

    def tracer(frame: Any, event: str, argument: Any) -> Any:
        said.append(f"{event} {argument!r} {frame.f_locals!r}")
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        _stopped_in(value)
    finally:
        sys.settrace(before)
    return said


def _profiled(value: Any) -> list[str]:
    said: list[str] = []
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, argument: said.append(f"{event} {argument!r}"))
    try:
        repr(value)
    finally:
        sys.setprofile(before)
    return said

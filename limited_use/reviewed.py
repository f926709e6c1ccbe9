"""Review: functions that read opened values are pinned, each with everything of ours that it uses, by one hash.

A *pin* is the SHA-256 over the source of a function and, from it on, of every function and class of ours that it
names and every constant it reads: a helper that was changed unpins all that call it. What a pin cannot follow is not
reviewed at all: lambdas, closures, partials, bound methods, decorated functions, imports inside a body, look-ups by
name, and libraries outside a short list of pure ones (whose versions the requirements pin).
"""

import ast
import builtins
import datetime as dt
import decimal
import hashlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from http import HTTPStatus
from types import FunctionType, ModuleType
from typing import Any

from kernel.errors import AppError

PURE_LIBRARIES = frozenset(
    {
        *("builtins", "collections.abc", "dataclasses", "datetime", "decimal", "enum", "hashlib", "hmac", "html"),
        *("itertools", "nh3", "re", "typing", "unicodedata", "urllib.parse", "uuid"),
    }
)
"""Libraries whose functions keep nothing and reach nothing outside."""
_PLAIN = (str, bytes, int, float, bool, type(None), decimal.Decimal, dt.date, dt.timedelta)
_NOT_FOLLOWED = frozenset(
    {
        *("__import__", "breakpoint", "compile", "delattr", "eval", "exec", "getattr", "globals", "input", "locals"),
        *("open", "print", "setattr", "vars"),
    }
)
"""Built-in functions that would use what the source does not name, or put a value out."""


class NotReviewed(AppError):  # noqa: N818 -- read as the state it reports
    """A function that was not reviewed, or was changed since, was to read guarded values."""

    code = "not_reviewed"
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    sentence = "A function that reads guarded values was not reviewed as it is now, so nothing was read."


def check_pins(pins: Mapping[Callable[..., Any], str], where: str) -> None:
    """Accept functions that are, with all that they use, as they were at their review.

    Raises:
        NotReviewed: naming the first that is not, and what to do about it in the file `where`.
    """
    for function, pinned in pins.items():
        found = pin_of(function)
        if found != pinned:
            raise NotReviewed(
                f"The function {function.__module__}.{function.__qualname__} reads opened values, and it or something "
                f"it uses is not as it was reviewed. Review it with all that it uses, then set its hash in {where} "
                f"to {found}."
            )


def pin_of(function: Callable[..., Any]) -> str:
    """Return the hash of a function with everything of ours that it uses.

    Raises:
        NotReviewed: if it is, or uses, something that a pin cannot follow.
    """
    reading = _Reading()
    named = reading.follow(function)
    whole = "\n\x00\n".join((named, *(f"{name}\n{said}" for name, said in sorted(reading.read.items()))))
    return hashlib.sha256(whole.encode()).hexdigest()


class _Reading:
    """What was read of a function so far: by the name of each definition, its source."""

    def __init__(self) -> None:
        self.read: dict[str, str] = {}

    def follow(self, used: Any) -> str:
        """Read a function, a class or a constant; return what stands for it where it is used."""
        if isinstance(used, type):
            known = used.__module__ in PURE_LIBRARIES
            return f"{used.__module__}.{used.__qualname__}" if known else self._define(used)
        if callable(used):
            return self._follow_callable(used)
        return self._render(used)

    def _follow_callable(self, used: Any) -> str:
        module = getattr(used, "__module__", None) or ""
        if module in PURE_LIBRARIES or module.partition(".")[0] in PURE_LIBRARIES:
            return f"{module}.{getattr(used, '__qualname__', used)}"
        if type(used) is not FunctionType or "<" in used.__qualname__ or hasattr(used, "__wrapped__"):
            raise _unpinned(used, "is a lambda, a partial, a bound method or decorated")
        if used.__closure__ is not None or _named(used) is not used:
            raise _unpinned(used, "is a closure, or was put in the place of another function")
        return self._define(used)

    def _define(self, used: Any) -> str:
        name = f"{used.__module__}.{used.__qualname__}"
        if name not in self.read:
            source, names = _source(used)
            self.read[name] = source
            scope = vars(sys.modules[used.__module__])
            for reached in names:
                self._resolve(reached, scope, used)
        return name

    def _resolve(self, reached: tuple[str, ...], scope: Mapping[str, Any], user: Any) -> None:
        """Follow a name or a dotted name as the module that holds its user understands it."""
        head, *rest = reached
        if head not in scope:
            if head in _NOT_FOLLOWED and hasattr(builtins, head):
                raise _unpinned(user, f"uses {head}()")
            return  # a built-in, or a variable of the function's own
        value = scope[head]
        path = [head]
        for name in rest:
            if not isinstance(value, ModuleType) or value.__name__ in PURE_LIBRARIES:
                break
            value = getattr(value, name, None)
            path.append(name)
        name = f"{user.__module__}: {'.'.join(path)}"
        if not isinstance(value, ModuleType):
            self.read[name] = self.follow(value)
        elif value.__name__ in PURE_LIBRARIES:
            self.read[name] = f"module {value.__name__}"
        else:
            raise _unpinned(user, f"uses {value.__name__}")

    def _render(self, value: Any) -> str:
        """Return a constant as text that is the same in every process."""
        if isinstance(value, re.Pattern):
            return f"pattern {value.pattern!r} {value.flags}"
        if isinstance(value, Mapping):
            return "{" + self._list(part for pair in value.items() for part in pair) + "}"
        if isinstance(value, set | frozenset):
            return "{" + ", ".join(sorted(self.follow(part) for part in value)) + "}"
        if isinstance(value, tuple | list):
            return f"({self._list(value)})"
        if isinstance(value, _PLAIN):
            return repr(value)
        if type(value).__module__ in PURE_LIBRARIES:
            return f"{type(value).__module__}.{type(value).__qualname__}"
        raise _unpinned(value, "is no constant that a pin can hold")

    def _list(self, parts: Iterable[Any]) -> str:
        return ", ".join(self.follow(part) for part in parts)


def _unpinned(used: Any, why: str) -> NotReviewed:
    name = getattr(used, "__qualname__", type(used).__qualname__)
    return NotReviewed(f"Something that reads opened values cannot be pinned to a review: {name} {why}.")


def _named(function: Any) -> Any:
    """Return what its module holds under the function's name."""
    return vars(sys.modules[function.__module__]).get(function.__qualname__)


@cache
def _source(used: Any) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Return the source of a definition of ours, and the names it uses; read once a process: files do not change."""
    try:
        source = textwrap.dedent(inspect.getsource(used))
    except (OSError, TypeError) as error:
        raise _unpinned(used, "has no source") from error
    return source, tuple(dict.fromkeys(_names(used, ast.parse(source))))


def _names(user: Any, tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield the names, dotted where they are, that a definition uses, in any order."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal):
            raise _unpinned(user, "imports or changes something outside itself")
        path: list[str] = []
        while isinstance(node, ast.Attribute):
            path.insert(0, node.attr)
            node = node.value  # noqa: PLW2901 -- down to the name that the attributes are of
        if isinstance(node, ast.Name):
            yield (node.id, *path)

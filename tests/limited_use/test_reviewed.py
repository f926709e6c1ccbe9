"""Review: a pin covers a function and all that it uses, and what cannot be followed is never reviewed."""

import datetime as dt
import html
import re
from functools import cache, partial

import pytest

from limited_use import reviewed
from limited_use.reviewed import NotReviewed, check_pins, pin_of
from limited_use.sinks import presentations

_WORDS = ("a", "b")
_PATTERN = re.compile("a+")


def _below(text):
    return text.strip()


def _between(text):
    return _below(text) + _WORDS[0]


def _top(text):
    return _between(_PATTERN.sub("", html.escape(text)))


def _mutual(text):
    return _again(text) if text else ""


def _again(text):
    return _mutual(text[1:])


def _other_below(text):
    return text.lstrip()


class _Choice:
    words = _WORDS

    def pick(self, text):
        return _below(text)


def _chooses(text):
    return _Choice().pick(text)


def test_a_pin_is_the_same_whenever_it_is_made():
    for function in (_top, _mutual, _chooses):
        assert pin_of(function) == pin_of(function)
        assert re.fullmatch("[0-9a-f]{64}", pin_of(function))
    assert pin_of(_mutual) != pin_of(_again)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_WORDS", ("a", "c")),
        ("_PATTERN", re.compile("b+")),
        ("_PATTERN", re.compile("a+", re.IGNORECASE)),
        ("html", re),
    ],
    ids=["constant", "pattern", "flags", "library"],
)
def test_a_constant_that_was_changed_unpins_all_that_use_it(monkeypatch, name, value):
    before = {function: pin_of(function) for function in (_top, _mutual)}
    monkeypatch.setitem(globals(), name, value)
    assert pin_of(_top) != before[_top]
    assert pin_of(_mutual) == before[_mutual]


def test_a_helper_that_was_changed_unpins_all_that_call_it(monkeypatch):
    before = {function: pin_of(function) for function in (_top, _between, _chooses)}
    monkeypatch.setitem(globals(), "_below", _other_below)
    assert all(pin_of(function) != pinned for function, pinned in before.items())
    with pytest.raises(NotReviewed) as caught:
        check_pins(before, "some/file.py")
    assert "some/file.py" in caught.value.told
    assert pin_of(_top) in caught.value.told


def test_a_helper_whose_source_was_changed_unpins_its_callers(monkeypatch):
    before = pin_of(_top)
    source, tree = reviewed._source(_below)
    monkeypatch.setattr(reviewed, "_source", lambda used: (source + "#", tree) if used is _below else _read(used))
    assert pin_of(_top) != before


_read = reviewed._source


def _makes_closure(kept):
    def closed(text):
        return kept + text

    return closed


def _made_inside():
    def inner(text):
        return text

    return inner


@cache
def _decorated(text):
    return text


def _calls_decorated(text):
    return _decorated(text)


def _imports(text):
    import warnings

    warnings.warn(text, stacklevel=1)
    return text


def _evaluates(text):
    return eval(text)  # noqa: S307 -- what must not pass


def _reaches(text):
    return getattr(html, "escape")(text)  # noqa: B009 -- as above


def _prints(text):
    print(text)  # noqa: T201 -- as above
    return text


def _keeps(text):
    global _WORDS  # noqa: PLW0603 -- as above
    _WORDS = (text,)
    return text


def _asks_pytest(text):
    return pytest.approx(text)


def _uses_instance(text):
    return _INSTANCE.pick(text)


def _uses_lambda(text):
    return _LAMBDA(text)


def _uses_partial(text):
    return _PARTIAL(text)


_INSTANCE = _Choice()
_LAMBDA = lambda text: text  # noqa: E731 -- as above
_PARTIAL = partial(_below)


@pytest.mark.parametrize(
    "function",
    [
        *(_makes_closure("x"), _made_inside(), _decorated, _calls_decorated, _imports, _evaluates, _reaches, _prints),
        *(_keeps, _asks_pytest, _uses_instance, _uses_lambda, _uses_partial, _INSTANCE.pick, _LAMBDA, _PARTIAL),
    ],
    ids=[
        *("closure", "inside", "decorated", "calls_decorated", "imports", "evaluates", "reaches", "prints", "keeps"),
        *("library", "instance", "uses_lambda", "uses_partial", "bound", "lambda", "partial"),
    ],
)
def test_what_a_pin_cannot_follow_is_not_reviewed(function):
    with pytest.raises(NotReviewed) as caught:
        pin_of(function)
    assert caught.value.told.startswith("Something that reads opened values cannot be pinned")


def test_a_function_put_in_the_place_of_another_is_not_reviewed(monkeypatch):
    monkeypatch.setattr(presentations, "excerpt", _below)
    pin_of(presentations.excerpt)  # under its own name it is what it is
    taken = presentations.initials
    monkeypatch.setattr(presentations, "initials", _below)
    with pytest.raises(NotReviewed):
        pin_of(taken)


def test_constants_of_every_plain_kind_are_pinned(monkeypatch):
    for value in (1, 1.5, "a", b"a", None, True, frozenset({"a", "b"}), {"a": (1, 2)}, [1], dt.date(2026, 1, 1)):
        monkeypatch.setitem(globals(), "_WORDS", value)
        assert pin_of(_top) == pin_of(_top)

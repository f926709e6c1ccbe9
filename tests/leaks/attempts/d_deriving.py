"""D: computing something from guarded values so that it is, or seems, nobody's any more."""

import functools
import uuid
from collections.abc import Callable
from typing import Any

from limited_use.derive import LabelsWouldShrink, Target, derive, order, repeats, reseal, same
from limited_use.keys import KeyPurpose, vault
from limited_use.labels import label
from limited_use.reviewed import NotReviewed
from limited_use.sealing import Labelled
from limited_use.sinks import ai_tool
from tests.leaks.registry import attempt


def _target(house: Any, purpose: KeyPurpose, whose: str = "maya") -> Target:
    resident = getattr(house, whose)
    grant = None if purpose is KeyPurpose.CONTENT else resident.grant_id
    sealer = vault(house.runtime).sealer(resident.viewer.organisation_id, purpose, grant)
    return Target(sealer, "tasks", "title", uuid.uuid4())


def _domain(text: str) -> str:
    return text.partition("@")[2]


def _twice(text: str) -> str:
    return same(text)


@functools.wraps(same)
def _disguised(text: str) -> str:
    return text[::-1]


def unreviewed(name: str, technique: str, corpus: int, function: Callable[..., str]) -> None:
    """Register a function that nobody reviewed: it reads nothing."""

    def act(house: Any) -> None:
        derive(vault(house.runtime), function, [house.mail().subject], _target(house, KeyPurpose.DERIVED))

    attempt(name, sink="derive", technique=technique, corpus=corpus, refused=NotReviewed)(act)


unreviewed("D45-substring", "a substring by a lambda", 45, lambda text: text[:3])
unreviewed("D45-domain", "the domain of an address by a plain function", 45, _domain)
unreviewed("D46-normalised", "a normalised form by str.lower", 46, str.lower)
unreviewed("D51-classified", "a class by a closure", 51, lambda text, words=("offer",): str(words[0] in text))
unreviewed("D52-summary", "a summary by a partial", 52, functools.partial(same))
unreviewed("D53-translated", "a translation by a bound method", 53, {1: "x"}.get)
unreviewed("D54-synthetic", "made-up text by a generator's method", 54, iter(["x"]).__next__)
unreviewed("D56-wrapper", "a reviewed function inside another", 56, _twice)
unreviewed("D56-disguised", "a function that says it is a reviewed one", 56, _disguised)


def shrinking(name: str, technique: str, corpus: Any, purpose: KeyPurpose, whose: str = "maya") -> None:
    """Register a copy under a key that does not stand for all that it derives from."""

    def act(house: Any) -> None:
        derive(vault(house.runtime), same, [house.mail().subject], _target(house, purpose, whose))

    attempt(name, sink="derive", technique=technique, corpus=corpus, refused=LabelsWouldShrink)(act)


shrinking("D45-native-copy", "a copy among what users write", 45, KeyPurpose.CONTENT)
shrinking("D45-teammates-copy", "a copy under a teammate's grant", 45, KeyPurpose.DERIVED, "bert")
shrinking("D45-outsiders-copy", "a copy under another organisation's grant", 45, KeyPurpose.DERIVED, "carla")
shrinking("D45-other-source", "a copy under another source", 45, KeyPurpose.CALENDAR)


@attempt(
    "D45-reseal", sink="derive", technique="sealing anew as what a user wrote", corpus=45, refused=LabelsWouldShrink
)
def resealed(house):
    target = _target(house, KeyPurpose.CONTENT)
    reseal(vault(house.runtime), house.mail().subject, target.sealer, "notes", "body", uuid.uuid4())


@attempt(
    "D45-mixed", sink="derive", technique="two owners' values in one of them", corpus=45, refused=LabelsWouldShrink
)
def mixed(house):
    values = [house.mail().subject, house.mail(house.bert.grant_id).subject]
    derive(vault(house.runtime), same, values, _target(house, KeyPurpose.DERIVED))


@attempt("D-token", sink="derive", technique="deriving from a token", refused=LabelsWouldShrink)
def token(house):
    derive(vault(house.runtime), same, [house.values()["token"]], _target(house, KeyPurpose.DERIVED))


@attempt("D49-order", sink="derive", technique="an order by a function of one's own", corpus=49, refused=NotReviewed)
def ordered(house):
    order(vault(house.runtime), same, [row.subject for row in house.rows(type(house.mail()))])


@attempt("D11-repeats", sink="derive", technique="guessing part of a value by comparing what was typed", corpus=11)
def guessed(house):
    """A comparison says yes to the whole value alone: no beginning, no part of it is confirmed."""
    subject = f"Offer {house.maya.planting.texts['mail.subject']}"
    parts = [subject[:cut] for cut in range(1, len(subject))] + [subject[3:], f"{subject}!"]
    value = house.mail().subject
    assert not any(repeats(vault(house.runtime), part, [value])[0] for part in parts)


@attempt("D47-moment", sink="ai_tool", technique="the time of the last mail", corpus=(43, 47, 51))
def last_mailed(house, trap):
    """A time, a count, a flag or a class from Google is withheld from an AI tool as its text is."""
    mail = house.mail()
    labels = label("gmail", house.maya.grant_id)
    fields = {"at": mail.sent_at, "size": mail.size, "bulk": mail.is_bulk, "folder": mail.label_ids[0]}
    records = [{name: Labelled(value, labels) for name, value in fields.items()}]
    made = b"".join(ai_tool.jsonl(house.guard, house.asking("ai_tool", "ai_export"), records))
    assert made.count(b'"withheld"') == len(fields)
    assert str(mail.size).encode() not in made
    trap.keep(made)

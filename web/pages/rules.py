"""The policy of the Limited Use guard, to be read: every rule in words, and what happens to a value anywhere, and why.

It is the very table that decides; nothing here can change it.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from flask import Blueprint, Response, request

from accounts.models import Sharing
from kernel.database import Aspect
from kernel.errors import BadInput
from limited_use.log.words import Decision, Purpose, Sink
from limited_use.policy import NEVER_OPEN, Cell, Kind, Policy, Question, Rule, Viewer, explain, shipped_policy
from limited_use.why import ORIGINS, PURPOSES, SINKS, VIEWERS
from web.callers import caller
from web.pages.log import TONES
from web.pages.sharing import LEVELS
from web.render import page

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

blueprint = Blueprint("rules", __name__)

W = TypeVar("W", bound=enum.StrEnum)

DONE = {Decision.OPEN: "shown", Decision.WITHHOLD: "kept back, with a mark", Decision.REFUSE: "refused"}
ASPECTS = {
    Aspect.PEOPLE: "who: names, addresses",
    Aspect.TIMES: "when and how often",
    Aspect.SUBJECTS: "what about: subjects, titles",
    Aspect.CONTENT: "what was said: texts",
}


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule: what it decides, and what stands above it in the file."""

    number: int
    said: str
    decision: Decision
    kinds: list[str]
    purposes: list[str]
    sinks: list[str]
    viewers: list[str]
    features: list[str]


@blueprint.get("/policy")
@caller("auditor")
def index() -> Response:
    """Answer with the policy, and with what it says of the value that was asked about."""
    asked = _question(request.args)
    table = shipped_policy()
    return page(
        "rules.html",
        feature="log",
        rules=_rules(table),
        features=table.features,
        digest=table.digest,
        never=sorted(sink.value for sink in NEVER_OPEN),
        asked=asked,
        answer=None if asked is None else explain(asked),
        done=DONE,
        tones=TONES,
        viewer_says=VIEWERS,
        choices=_choices(table),
    )


def _choices(table: Policy) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Return the fields of the form: what each is called, and its words with what they mean."""
    everyone = {viewer.value: viewer.replace("_", " ") for viewer in Viewer}
    return {
        "label": ("A value from", {kind.value: ORIGINS[kind] for kind in Kind}),
        "viewer": ("asked for by", everyone),
        "sink": ("to go to", {sink.value: SINKS[sink] for sink in Sink if sink is not Sink.UNKNOWN}),
        "purpose": ("why", {one.value: PURPOSES[one] for one in Purpose if one is not Purpose.UNKNOWN}),
        "feature": ("in the feature", dict(table.features)),
        "sharing": ("whose owner shares", {"": "not asked"} | {level.value: LEVELS[level].name for level in Sharing}),
        "aspect": ("and of which it tells", {"": "not asked"} | {one.value: says for one, says in ASPECTS.items()}),
    }


def _question(said: "MultiDict[str, str]") -> Question | None:
    """Return what was asked; None where nothing was."""
    if "label" not in said:
        return None
    feature = said.get("feature", "")
    if feature not in shipped_policy().features:
        raise BadInput("There is no such feature. Choose one of the list.")
    return Question(
        _word(said.get("label", ""), Kind),
        _word(said.get("purpose", ""), Purpose),
        _word(said.get("sink", ""), Sink),
        _word(said.get("viewer", ""), Viewer),
        feature,
        _word(said["sharing"], Sharing) if said.get("sharing") else None,
        _word(said["aspect"], Aspect) if said.get("aspect") else None,
    )


def _word(said: str, words: type[W]) -> W:
    try:
        return words(said)
    except ValueError:
        raise BadInput("The policy has no such word. Choose one of the lists.") from None


def _rules(table: Policy) -> list[RuleRow]:
    """Return each rule with what it decides, in the file's order."""
    decided: dict[int, list[Cell]] = {rule.number: [] for rule in table.rules}
    for cell, number in table.deciding.items():
        decided[number].append(cell)
    return [_row(rule, decided[rule.number], table) for rule in table.rules if decided[rule.number]]


def _row(rule: Rule, cells: list[Cell], table: Policy) -> RuleRow:
    kinds, purposes, sinks, viewers, features = (list(dict.fromkeys(words)) for words in zip(*cells, strict=True))
    return RuleRow(
        rule.number,
        rule.said,
        table.cells[cells[0]],
        kinds=[ORIGINS[kind] for kind in kinds],
        purposes=[PURPOSES[purpose] for purpose in purposes],
        sinks=[SINKS[sink] for sink in sinks],
        viewers=[viewer.replace("_", " ") for viewer in viewers],
        features=["every feature"] if len(features) == len(table.features) else features,
    )

"""What is to be done about a page of Google's: decided here, purely, before anything is touched.

An *item* is one thing as Google has it now: its key, a digest of its content, and why it is to be left out, if it is.
*Known* is the same thing as we hold it: stored, or skipped for a reason. A *plan* is a list of actions. Invariants:
planning again after the actions were taken gives no action; only what Google names as gone, or what a complete
listing lacks, is deleted; a complete listing of nothing deletes nothing, for that is a fault more often than a wish.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kernel.errors import AppError


class SkipReason(StrEnum):
    """Why an item is left out: a closed list."""

    DRAFT = "draft"
    SPAM = "spam"
    TRASH = "trash"
    CHAT = "chat"
    EXCLUDED_LABEL = "excluded_label"
    UNREADABLE = "unreadable"


class Act(StrEnum):
    """What is done about one item. Keep: it is as we hold it, and was seen in the present listing."""

    INSERT = "insert"
    UPDATE = "update"
    KEEP = "keep"
    SKIP = "skip"
    DELETE = "delete"


class SideEmpty(AppError):  # noqa: N818 -- read as the state it reports
    """Google listed nothing at all where it had listed something before; nothing was deleted."""

    code = "side_empty"
    sentence = (
        "Google suddenly lists nothing here, so nothing was removed: this is a fault more often than a wish. "
        "We look again every hour. If you emptied it yourself, disconnect to remove what is kept."
    )


@dataclass(frozen=True, slots=True)
class Item:
    """One thing as Google has it now."""

    key: str
    digest: bytes
    skip: SkipReason | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """One thing as we hold it: stored when `skip` is None."""

    row_id: uuid.UUID
    digest: bytes
    skip: SkipReason | None
    generation: int


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do; `was` is what we held before."""

    act: Act
    key: str
    was: Known | None = None
    reason: SkipReason | None = None


@dataclass(slots=True)
class Tally:
    """How the counts of a collection change."""

    found: int = 0
    stored: int = 0
    removed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def count(self, skip: SkipReason | None, sign: int) -> None:
        """One item is counted, or no longer counted."""
        self.found += sign
        if skip is None:
            self.stored += sign
        else:
            self.skipped[skip] += sign


@dataclass(frozen=True, slots=True)
class Plan:
    """The actions, at most one for each key."""

    actions: tuple[Action, ...]

    def of(self, *acts: Act) -> list[Action]:
        """Return the actions of these kinds."""
        return [action for action in self.actions if action.act in acts]

    def tally(self, generation: int) -> Tally:
        """Return how the actions change the counts of that listing; what it had not seen was not counted yet."""
        tally = Tally()
        for action in self.actions:
            if action.was is not None and action.was.generation == generation:
                tally.count(action.was.skip, -1)
            if action.act is Act.DELETE:
                tally.removed += action.was is not None and action.was.skip is None
            else:
                tally.count(_after(action), +1)
        return tally


def _after(action: Action) -> SkipReason | None:
    if action.act is Act.KEEP and action.was is not None:
        return action.was.skip
    return action.reason


def plan_page(items: Iterable[Item], gone: Iterable[str], known: Mapping[str, Known], generation: int) -> Plan:
    """Return what to do about the items of one page, and about those that Google itself says are gone."""
    actions: dict[str, Action] = {}
    for item in items:
        if (action := _plan_item(item, known.get(item.key), generation)) is not None:
            actions[item.key] = action
    for key in gone:
        if key in known:
            actions[key] = Action(Act.DELETE, key, known[key])
        else:
            actions.pop(key, None)
    return Plan(tuple(actions.values()))


def _plan_item(item: Item, held: Known | None, generation: int) -> Action | None:
    if item.skip is not None:
        # Left out now. Either it was left out for the same reason, or what we hold gives way to the reason.
        if held is None or held.skip is not item.skip:
            return Action(Act.SKIP, item.key, held, item.skip)
    elif held is None or held.skip is not None:
        # Wanted now, and not held, or only accounted for.
        return Action(Act.INSERT, item.key, held)
    elif held.digest != item.digest:
        return Action(Act.UPDATE, item.key, held)
    # As we hold it: only the listing that saw it may be news.
    return None if held.generation == generation else Action(Act.KEEP, item.key, held)


def plan_sweep(unseen: Mapping[str, Known], found: int, *, complete: bool) -> Plan:
    """Return the deletion of what a listing lacks: nothing, unless the listing is complete.

    Raises:
        SideEmpty: when the listing found nothing at all, and something stored would be deleted.
    """
    if not complete:
        return Plan(())
    if not found and any(held.skip is None for held in unseen.values()):
        raise SideEmpty
    return Plan(tuple(Action(Act.DELETE, key, held) for key, held in unseen.items()))


_BY_LABEL = {
    "DRAFT": SkipReason.DRAFT,
    "TRASH": SkipReason.TRASH,
    "SPAM": SkipReason.SPAM,
    "CHAT": SkipReason.CHAT,
}


def skip_of_labels(label_ids: Collection[str], excluded: Collection[str] = ()) -> SkipReason | None:
    """Return why a message with these labels is left out; None when it is not."""
    for label, reason in _BY_LABEL.items():
        if label in label_ids:
            return reason
    return SkipReason.EXCLUDED_LABEL if any(label in excluded for label in label_ids) else None

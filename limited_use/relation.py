"""How who asks stands to the owners of the grants behind a value.

A member's own grants they see; of a teammate's they see what its owner shares, or what was opened to them one by one.
That depends on the row and the aspect of each value, so groups of values behind which a teammate's grant stands are
split by it, in the release's own transaction and with three queries more; documents of a member's own pay nothing.

A *way* is how one grant lets somebody see: the relations that hold, of which the policy's loosest decision counts.
Where several grants are behind a value, each must let it be seen.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import openings
from accounts.models import GrantStatus, Member
from accounts.sharing import opens
from kernel.database import Aspect, aspect_of
from limited_use import openness
from limited_use.asking import Asking, Sink
from limited_use.openness import Row, Shared
from limited_use.policy import NEVER_OPEN, Viewer
from limited_use.sealing import Labelled, Sealed
from limited_use.survey import Group, Survey

Way = tuple[Viewer, ...]
LIVE = "live"
"""The table of values that were read from Google for this one answer and are stored nowhere."""
_SHUT = (Viewer.TEAMMATE,)
_VIEWERS = {openings.How.CONSENT: Viewer.CONSENTED, openings.How.CASE: Viewer.CASE}


class Held(Protocol):
    """A grant, locked for share."""

    @property
    def id(self) -> uuid.UUID:
        """Return its id."""

    @property
    def member_id(self) -> uuid.UUID:
        """Return its owner."""

    @property
    def status(self) -> str:
        """Return whether anything of it may be released."""


def relate(
    session: Session,
    asking: Asking,
    survey: Survey,
    values: Sequence[Any],
    grants: Mapping[uuid.UUID, Held],
    now: dt.datetime,
) -> None:
    """Leave the survey with each value in a group that is open alike to who asks.

    Groups whose grants are all the asker's own, or none, and those of an answer that nobody but a grant's owner is
    given, stay as they are: `viewers_of` says the rest.
    """
    if asking.member_id is None or asking.sink is Sink.GOOGLE or asking.sink in NEVER_OPEN:
        return
    foreign = {id(group) for group in survey.groups if _is_foreign(asking, group, grants)}
    if foreign and _is_here(session, asking):
        _Relating(session, asking, grants, now).split(survey, values, foreign)


def ways_of(asking: Asking, group: Group, grants: Sequence[Held]) -> Collection[Way]:
    """Return how each of the grants behind the group lets who asks see it."""
    if group.ways:
        return group.ways
    if asking.sink is Sink.GOOGLE:
        return (_at_google(asking, grants),)
    if asking.member_id is None:
        return ((Viewer.NOBODY,),)
    if not group.grants:
        return ((Viewer.MEMBER,),)
    return ((Viewer.OWNER,),) if all(grant.member_id == asking.member_id for grant in grants) else (_SHUT,)


def _at_google(asking: Asking, grants: Sequence[Held]) -> Way:
    if not grants:
        return (Viewer.NO_GRANT,)
    same = all(str(grant.id) == asking.destination for grant in grants)
    return (Viewer.SAME_GRANT,) if same else (Viewer.OTHER_GRANT,)


def _is_foreign(asking: Asking, group: Group, grants: Mapping[uuid.UUID, Held]) -> bool:
    """Tell whether a grant behind the group is another's, and all of them are there and give anything."""
    found = [grants.get(grant_id) for grant_id in group.grants]
    if not all(grant is not None and grant.status == GrantStatus.ACTIVE for grant in found):
        return False
    return any(grant is not None and grant.member_id != asking.member_id for grant in found)


def _is_here(session: Session, asking: Asking) -> bool:
    """Tell whether who asks belongs to the organisation, which nobody ends before the transaction does.

    An answer may be long under way: who was removed since is nobody's teammate any more.
    """
    member = select(Member.id).where(
        Member.id == asking.member_id, Member.organisation_id == asking.organisation_id, Member.left_at.is_(None)
    )
    return session.scalar(member.with_for_update(read=True)) is not None


class _Relating:
    """The splitting of one document, in one transaction."""

    def __init__(self, session: Session, asking: Asking, grants: Mapping[uuid.UUID, Held], now: dt.datetime) -> None:
        self._session = session
        self._asking = asking
        self._grants = grants
        self._now = now
        self._shared: Mapping[Row, Shared] = {}
        self._opened: Mapping[tuple[str, uuid.UUID, uuid.UUID], openings.Opened] = {}

    def split(self, survey: Survey, values: Sequence[Any], foreign: Collection[int]) -> None:
        """Put each value of the foreign groups into a group with all that is open in the same ways."""
        told = {place: _told_by(values[place]) for place, group in enumerate(survey.members) if id(group) in foreign}
        self._read({row for place, (about, _) in told.items() for row in self._rows(survey.members[place], about)})
        made: dict[tuple[int, frozenset[Way]], Group] = {}
        for place, (about, aspect) in told.items():
            group = survey.members[place]
            ways = frozenset(self._way(grant_id, about, aspect) for grant_id in group.grants)
            part = made.get((id(group), ways))
            if part is None:
                part = made[id(group), ways] = replace(group, count=0, ways=ways)
            part.count += 1
            part.openings |= {one for grant_id in group.grants if (one := self._opening(grant_id, about, aspect))}
            survey.members[place] = part
        survey.groups = [group for group in survey.groups if id(group) not in foreign] + list(made.values())

    def _read(self, rows: Collection[Row]) -> None:
        self._shared = openness.read(self._session, rows)
        items = {shared.item for shared in self._shared.values() if shared.item is not None}
        member_id = self._asking.member_id
        if items and member_id is not None:
            self._opened = openings.allowed(
                self._session,
                self._asking.organisation_id,
                member_id,
                items,
                self._now,
                at_staff_sink=self._asking.sink is Sink.STAFF,
            )

    def _rows(self, group: Group, about: tuple[str, uuid.UUID] | None) -> list[Row]:
        if about is None:
            return []
        return [Row(grant_id, *about) for grant_id in group.grants if not self._is_own(grant_id)]

    def _is_own(self, grant_id: uuid.UUID) -> bool:
        return self._grants[grant_id].member_id == self._asking.member_id

    def _way(self, grant_id: uuid.UUID, about: tuple[str, uuid.UUID] | None, aspect: Aspect | None) -> Way:
        if self._is_own(grant_id):
            return (Viewer.OWNER,)
        shared = self._shared.get(Row(grant_id, *about)) if about else None
        if shared is None or aspect in (None, Aspect.NONE):
            return _SHUT
        way = [Viewer.SHARED] if opens(shared.rank, aspect) else []
        opened = self._opening(grant_id, about, aspect)
        if opened is not None:
            way.append(_VIEWERS[opened.how])
        return tuple(way) or _SHUT

    def _opening(
        self, grant_id: uuid.UUID, about: tuple[str, uuid.UUID] | None, aspect: Aspect | None
    ) -> openings.Opened | None:
        """Return by what the item of the row was opened to who asks."""
        shared = self._shared.get(Row(grant_id, *about)) if about else None
        if shared is None or shared.item is None or aspect in (None, Aspect.NONE) or self._is_own(grant_id):
            return None
        return self._opened.get((*shared.item, grant_id))


def _told_by(value: Any) -> tuple[tuple[str, uuid.UUID] | None, Aspect | None]:
    """Return the row that a value tells of, and what of it."""
    if type(value) is Labelled:
        return value._about, value._aspect  # noqa: SLF001 -- the guard reads what a value tells of
    place = value._place if type(value) is Sealed else None  # noqa: SLF001 -- as above
    if place is None:
        return None, None
    aspect = Aspect.CONTENT if place.table == LIVE else aspect_of(place.table, place.column)
    return (place.table, place.row_id), aspect

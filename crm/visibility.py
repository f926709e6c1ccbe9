"""Who sees what: a viewer's own grants, what teammates share of theirs, and the records and facts these tell of.

A person or company is visible to a member of its organisation when a user made or touched it, or when a fact,
correspondent or contact that they see belongs to it: of the viewer's own grants, or as far as `crm.openness` says that
a teammate shares theirs. What users wrote is visible to the whole organisation. Every query of records goes through a
`Sight`, so that counts, order and search hits tell nothing of what is not shared either. Which *parts* of a row that is
shared are open, the guard decides.
"""

import uuid
import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Uuid, bindparam, case, exists, or_, select, tuple_, union
from sqlalchemy.orm import Session, SessionTransaction

from accounts import openings
from accounts.members import Viewer
from accounts.models import Grant, GrantStatus, ItemKind, Member, Sharing
from accounts.openings import StandingItem
from accounts.sharing import NEEDED
from crm import kept, openness
from crm.facts import COMPANY_FIELDS
from crm.models import (
    Company,
    Contact,
    Correspondent,
    Fact,
    Meeting,
    Message,
    Person,
    ProtectedAddress,
    SharingException,
)
from crm.models.people import MadeBy
from kernel.database import Aspect
from kernel.errors import NotFound
from limited_use.sealing import Native

R = TypeVar("R", Person, Company)


@dataclass(frozen=True, slots=True)
class Sight:
    """A viewer, the grants whose data is theirs to see (those not revoked), and what teammates share with them.

    `plain_ids` are teammates' grants that are shared as they are; of `careful_ids` the owner excepts people or threads
    or protects addresses; of `shut_ids` nothing is shared but single people or threads. What is not shared leaves no
    trace in any condition here.
    """

    organisation_id: uuid.UUID
    member_id: uuid.UUID
    grant_ids: tuple[uuid.UUID, ...]
    plain_ids: tuple[uuid.UUID, ...] = ()
    careful_ids: tuple[uuid.UUID, ...] = ()
    owners: Mapping[uuid.UUID, str] = field(default_factory=dict, hash=False)
    """What the teammates behind these grants are called."""
    opened: tuple[StandingItem, ...] = ()
    """What teammates opened to the viewer one by one: these rows are there at any sharing."""
    shut_ids: tuple[uuid.UUID, ...] = ()

    @property
    def shared_ids(self) -> tuple[uuid.UUID, ...]:
        """Return the teammates' grants of which anything is shared."""
        return (*self.plain_ids, *self.careful_ids, *self.shut_ids)

    @property
    def all_ids(self) -> tuple[uuid.UUID, ...]:
        """Return every grant of which the viewer may see anything."""
        return (*self.grant_ids, *self.shared_ids, *(one.grant_id for one in self.opened))

    @property
    def is_alone(self) -> bool:
        """Tell whether no teammate shares anything with the viewer, nor opened anything to them."""
        return not self.shared_ids and not self.opened

    def shared_by(self, grant_id: uuid.UUID | None) -> Native[str] | None:
        """Return which teammate shares a row with the viewer; None of the viewer's own and of what users wrote."""
        name = None if grant_id is None else self.owners.get(grant_id)
        return None if name is None else Native(name)

    def facts(self) -> ColumnElement[bool]:
        """Return the condition on facts: the viewer's own, those that teammates share, and those that users wrote."""
        seen = or_(Fact.grant_id.is_(None), self._shared_facts())
        if opened := self._opened(ItemKind.PERSON):
            seen = or_(seen, tuple_(Fact.person_id, Fact.grant_id).in_(opened))
        return (Fact.organisation_id == self.organisation_id) & seen

    def correspondents(self) -> ColumnElement[bool]:
        """Return the condition on addresses."""
        return self._sees(
            Correspondent.grant_id,
            lambda: Correspondent.id.not_in(kept.correspondents(self.careful_ids)),
            lambda: (
                Correspondent.person_id.in_(kept.opened_people(self.shut_ids)) & (openness.rank_of_correspondent() > 0)
            ),
        )

    def messages(self) -> ColumnElement[bool]:
        """Return the condition on messages."""
        seen = self._sees(
            Message.grant_id,
            lambda: Message.id.not_in(kept.messages(self.careful_ids)),
            lambda: Message.id.in_(kept.opened_messages(self.shut_ids)) & (openness.rank_of_message() > 0),
        )
        return self._or_opened(ItemKind.MESSAGE, Message, seen)

    def contents(self) -> ColumnElement[bool]:
        """Return the condition on messages whose text the viewer may read: their own, shared wholly, or opened."""
        own = Message.grant_id.in_(self.grant_ids)
        if self.is_alone:
            return own
        others = Message.grant_id.in_(self.shared_ids)
        shared = others & (openness.rank_of_message() >= NEEDED[Aspect.CONTENT])
        return self._or_opened(ItemKind.MESSAGE, Message, own | shared)

    def meetings(self) -> ColumnElement[bool]:
        """Return the condition on meetings: a teammate's that is private in their calendar is never there."""
        seen = self._sees(
            Meeting.grant_id,
            lambda: Meeting.id.not_in(kept.meetings(self.careful_ids, self.careful_ids)),
            lambda: Meeting.id.in_(kept.opened_meetings(self.shut_ids)) & (openness.rank_of_meeting() > 0),
        )
        if self.is_alone:
            return seen
        seen &= Meeting.grant_id.in_(self.grant_ids) | ~Meeting.is_private
        return self._or_opened(ItemKind.MEETING, Meeting, seen)

    def people(self, among: Collection[uuid.UUID] | None = None) -> ColumnElement[bool]:
        """Return the condition on people; `among` these alone, so that a few rows cost no look at the whole mailbox."""
        heard, held = Correspondent.person_id, Contact.person_id
        told = union(
            select(heard).where(self.correspondents(), heard.is_not(None) if among is None else heard.in_(among)),
            select(held).where(self._contacts(), held.is_not(None) if among is None else held.in_(among)),
        )
        return (Person.organisation_id == self.organisation_id) & or_(is_users(Person), Person.id.in_(told))

    def companies(self) -> ColumnElement[bool]:
        """Return the condition on companies."""
        told = select(Fact.company_id).where(self._shared_facts(), Fact.company_id.is_not(None))
        return (Company.organisation_id == self.organisation_id) & or_(is_users(Company), Company.id.in_(told))

    def placed(self) -> ColumnElement[bool]:
        """Return the condition on people that some account, as far as the viewer sees it, tells of where they work.

        Where somebody works follows from their addresses: what a teammate's account knows of it, is the teammate's.
        """
        told = exists().where(Correspondent.person_id == Person.id, self.correspondents(), is_of_company())
        return told.correlate(Person)

    def last_at(self) -> Any:
        """Return when an address was last in touch, of what this viewer may know; null where they may know of nothing.

        What is kept beside the address counts hidden mail and private meetings too, so for who takes part in any it is
        counted anew from what their owner shows.
        """
        if not self.shared_ids:
            return Correspondent.last_at
        told = [Correspondent.id.in_(kept.touched(self.careful_ids, (*self.plain_ids, *self.careful_ids)))]
        if self.shut_ids:
            told.append(Correspondent.grant_id.in_(self.shut_ids))
        return case((or_(*told), kept.last_shown()), else_=Correspondent.last_at)

    def _contacts(self) -> ColumnElement[bool]:
        whose = tuple_(Contact.grant_id, Contact.person_id)
        return self._sees(
            Contact.grant_id,
            lambda: whose.not_in(kept.people(self.careful_ids)),
            lambda: (
                Contact.person_id.in_(kept.opened_people(self.shut_ids))
                & (openness.rank_of_person(Contact.grant_id, Contact.person_id) > 0)
            ),
        )

    def _shared_facts(self) -> ColumnElement[bool]:
        """Return the condition on facts from Google."""
        staff = exists().where(
            Correspondent.grant_id == Fact.grant_id,
            Correspondent.source == Fact.source,
            Correspondent.domain_index == Fact.value_index,
            Correspondent.person_id.is_not(None),
            Correspondent.id.not_in(kept.correspondents(self.careful_ids)),
        )
        persons = Fact.person_id.is_not(None) & tuple_(Fact.grant_id, Fact.person_id).not_in(
            kept.people(self.careful_ids)
        )
        return self._sees(
            Fact.grant_id,
            lambda: case((Fact.field.in_(COMPANY_FIELDS), staff.correlate(Fact)), else_=persons),
            lambda: kept.opened_facts(self.shut_ids) & (openness.rank_of_fact() > 0),
        )

    def _sees(
        self,
        grant_id: Any,
        is_left: Callable[[], ColumnElement[bool]],
        is_opened: Callable[[], ColumnElement[bool]],
    ) -> ColumnElement[bool]:
        """Return the condition that a row is of the viewer's own grants, or shared at all.

        `is_left`: of a grant with exceptions, what they leave; `is_opened`: of one that is shut, what they open.
        """
        seen = [grant_id.in_((*self.grant_ids, *self.plain_ids))]
        if self.careful_ids:
            seen.append(grant_id.in_(self.careful_ids) & is_left())
        if self.shut_ids:
            seen.append(grant_id.in_(self.shut_ids) & is_opened())
        return or_(*seen)

    def _opened(self, kind: ItemKind) -> list[tuple[uuid.UUID, uuid.UUID]]:
        return [(one.item.id, one.grant_id) for one in self.opened if one.item.kind == kind]

    def _or_opened(self, kind: ItemKind, row: Any, seen: ColumnElement[bool]) -> ColumnElement[bool]:
        opened = self._opened(kind)
        return or_(seen, tuple_(row.id, row.grant_id).in_(opened)) if opened else seen


def is_of_company() -> ColumnElement[bool]:
    """Return the condition that a correspondent's address is of the company at which its person works."""
    told = exists().where(
        Fact.company_id == Person.company_id, Fact.field == "domain", Fact.value_index == Correspondent.domain_index
    )
    return told.correlate(Person, Correspondent)


def is_users(record: type[Person] | type[Company]) -> ColumnElement[bool]:
    """Return the condition that a user made or touched the record: then its existence is no secret of Google's."""
    return (record.made_by == MadeBy.USER) | record.touched_at.is_not(None)


_LOOKED: Final = "crm.visibility"
_EXCEPTED = or_(
    exists().where(SharingException.grant_id == Grant.id), exists().where(ProtectedAddress.grant_id == Grant.id)
)
_MINE = Grant.member_id == bindparam("member_id", type_=Uuid)
_GRANTS = (
    select(
        Grant.id,
        Grant.sharing,
        Member.name,
        _MINE.label("is_own"),
        case((_MINE, False), else_=_EXCEPTED).label("is_careful"),
        openings.ANY_STANDING.label("any_opened"),
    )
    .join(Member, Member.id == Grant.member_id)
    .where(
        Grant.organisation_id == bindparam("organisation_id", type_=Uuid),
        or_(
            _MINE & (Grant.status != GrantStatus.REVOKED),
            (Grant.status == GrantStatus.ACTIVE)
            & Member.left_at.is_(None)
            & or_(
                Grant.sharing != Sharing.ONLY_ME,
                exists().where(SharingException.grant_id == Grant.id, SharingException.level != Sharing.ONLY_ME),
            ),
        ),
    )
    .order_by(Grant.id)
)
"""Made once: nearly every answer begins with it."""


@dataclass(slots=True)
class _Looked:
    """What was looked up in one transaction: a page asks for the same person, as the same viewer, many times."""

    transaction: "weakref.ref[SessionTransaction]"
    sights: dict[Viewer, Sight] = field(default_factory=dict)
    records: dict[tuple[Viewer, uuid.UUID], Person | Company] = field(default_factory=dict)


def sight_of(session: Session, viewer: Viewer) -> Sight:
    """Return what the viewer may see, as it stood when this transaction first asked."""
    looked = _looked(session)
    sight = looked.sights.get(viewer)
    if sight is None:
        whose = {"organisation_id": viewer.organisation_id, "member_id": viewer.member_id}
        found = session.execute(_GRANTS, whose).all()
        own = tuple(row.id for row in found if row.is_own)
        others = [row for row in found if not row.is_own]
        shut = tuple(row.id for row in others if row.sharing == Sharing.ONLY_ME)
        plain = tuple(row.id for row in others if not row.is_careful and row.id not in shut)
        careful = tuple(row.id for row in others if row.is_careful and row.id not in shut)
        opened: tuple[StandingItem, ...] = ()
        if not found or found[0].any_opened:  # rarely: a statement that most answers do without
            opened = tuple(openings.standing_items(session, viewer.organisation_id, viewer.member_id))
        sight = looked.sights[viewer] = Sight(
            viewer.organisation_id,
            viewer.member_id,
            own,
            plain,
            careful,
            {one.grant_id: one.owner for one in opened} | {row.id: row.name for row in others},
            opened,
            shut,
        )
    return sight


def check_person(session: Session, viewer: Viewer, person_id: uuid.UUID) -> Person:
    """Return a person that the viewer may see.

    Raises:
        NotFound: if there is none, or none for this viewer: the answer is the same.
    """
    return _check(session, viewer, Person, person_id, Sight.people)


def check_company(session: Session, viewer: Viewer, company_id: uuid.UUID) -> Company:
    """Return a company that the viewer may see.

    Raises:
        NotFound: as for `check_person`.
    """
    return _check(session, viewer, Company, company_id, Sight.companies)


def _check(
    session: Session,
    viewer: Viewer,
    kind: type[R],
    record_id: uuid.UUID,
    visible: Callable[[Sight], ColumnElement[bool]],
) -> R:
    looked = _looked(session)
    if (viewer, record_id) in looked.records:
        found = session.get(kind, record_id)  # from the session, without a query, unless it was removed since
    else:
        found = session.scalar(select(kind).where(kind.id == record_id, visible(sight_of(session, viewer))))
    if found is None:
        raise NotFound
    looked.records[viewer, record_id] = found
    return found


def _looked(session: Session) -> _Looked:
    """Return what this transaction has looked up: the next one looks anew."""
    transaction = session.get_transaction() or session.begin()
    looked: _Looked | None = session.info.get(_LOOKED)
    if looked is None or looked.transaction() is not transaction:
        looked = session.info[_LOOKED] = _Looked(weakref.ref(transaction))
    return looked

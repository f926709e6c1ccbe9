"""How far each row of a grant is shared with teammates: a rank of `accounts.sharing`, as an SQL expression.

What a grant tells of a person is shared as the owner says of that person, else as the grant is; a mail or meeting as
far as its least shared participant is, unless the owner said otherwise of its thread. Three things show nothing
whatever the level: a protected address and all that is with it, whatever somebody takes part in whom the owner hides
(or a thread that is hidden), and a meeting that is private in its calendar.

Queries take their conditions from here (`crm.visibility`), and so does the guard, in its own transaction, through
`rows_shared`: so the two cannot differ.
"""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Text,
    and_,
    bindparam,
    case,
    column,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from accounts.models import Grant, GrantStatus, ItemKind, Sharing
from accounts.sharing import RANK
from crm.facts import COMPANY_FIELDS
from crm.models import (
    Attendance,
    Correspondent,
    Fact,
    Meeting,
    Message,
    Participation,
    ProtectedAddress,
    SharingException,
)
from limited_use import openness
from limited_use.openness import Row, Shared


def rank_of_person(grant_id: Any, person_id: Any) -> ColumnElement[int]:
    """Return how far what a grant tells of a person is shared."""
    said = _said(grant_id, SharingException.person_id == person_id)
    return case((_is_protected(grant_id, person_id), 0), else_=func.coalesce(said, _of_grant(grant_id)))


@cache
def rank_of_correspondent(row: Any = Correspondent) -> ColumnElement[int]:
    """Return how far an address, as its grant knows it, is shared."""
    person = func.coalesce(_said(row.grant_id, SharingException.person_id == row.person_id), _of_grant(row.grant_id))
    kept = _is_protected_itself(row) | _is_protected(row.grant_id, row.person_id)
    return case((kept, 0), else_=person)


@cache
def rank_of_fact() -> ColumnElement[int]:
    """Return how far a fact is shared: a person's as the person, a company's as the best shared of its people."""
    staff = aliased(Correspondent)
    best = (
        select(func.max(rank_of_correspondent(staff)))
        .where(
            staff.grant_id == Fact.grant_id,
            staff.source == Fact.source,
            staff.domain_index == Fact.value_index,
            staff.person_id.is_not(None),
        )
        .correlate(Fact)
        .scalar_subquery()
    )
    return case(
        (Fact.field.in_(COMPANY_FIELDS), func.coalesce(best, 0)),
        (Fact.person_id.is_(None), 0),
        else_=rank_of_person(Fact.grant_id, Fact.person_id),
    )


@cache
def rank_of_message() -> ColumnElement[int]:
    """Return how far a message is shared."""
    who = aliased(Correspondent)
    parts = (
        select(who.id)
        .join(Participation, Participation.correspondent_id == who.id)
        .where(Participation.message_id == Message.id, who.is_own.is_(False))
    )
    thread = _said(Message.grant_id, SharingException.thread_id == Message.thread_id)
    return _of_gathering(who, parts, Message, thread)


@cache
def rank_of_meeting() -> ColumnElement[int]:
    """Return how far a meeting, with all its times, is shared."""
    who = aliased(Correspondent)
    parts = (
        select(who.id)
        .join(Attendance, Attendance.correspondent_id == who.id)
        .where(Attendance.meeting_id == Meeting.id, who.is_own.is_(False))
    )
    rank = _of_gathering(who, parts, Meeting, None)
    return case((Meeting.is_private, 0), else_=rank)


def is_kept_from_all(grant_id: Any, person_id: Any) -> ColumnElement[bool]:
    """Return the condition that a grant's owner hides a person, or protects an address of theirs."""
    hidden = exists().where(
        SharingException.grant_id == grant_id,
        SharingException.person_id == person_id,
        SharingException.level == Sharing.ONLY_ME,
    )
    return or_(hidden.correlate_except(SharingException), _is_protected(grant_id, person_id))


def rows_shared(session: Session, rows: Collection[Row]) -> dict[Row, Shared]:
    """Return how far each of these rows of grants is shared, and the item it belongs to; what is gone is absent.

    One query, whatever the rows are.
    """
    columns: tuple[Any, ...] = tuple(zip(*rows, strict=True)) or ((), (), ())
    asked = {"grants": list(columns[0]), "tables": list(columns[1]), "ids": list(columns[2])}
    return {
        Row(row.grant_id, row.of, row.id): Shared(row.rank, (row.kind, row.item_id) if row.item_id else None)
        for row in session.execute(_rows_asked(), asked)
    }


@cache
def _rows_asked() -> CompoundSelect[Any]:
    """Return the query about rows: made once, for its making costs more than its running."""
    arrays = [
        bindparam("grants", type_=ARRAY(UuidType)),
        bindparam("tables", type_=ARRAY(Text)),
        bindparam("ids", type_=ARRAY(UuidType)),
    ]
    named = [column("grant_id", UuidType), column("of", Text), column("id", UuidType)]
    asked = select(func.unnest(*arrays).table_valued(*named, name="row").render_derived()).cte("asked")
    return union_all(
        _shared(asked, ("messages", "live"), Message, rank_of_message(), ItemKind.MESSAGE),
        _shared(asked, ("meetings",), Meeting, rank_of_meeting(), ItemKind.MEETING),
        _facts_shared(asked),
        _people_shared(asked),
        _companies_shared(asked),
        _counts_shared(asked),
    )


def _shared(asked: Any, tables: tuple[str, ...], model: Any, rank: ColumnElement[int], kind: str) -> Select[Any]:
    return _columns(asked, rank, kind, asked.c.id).join(
        model, and_(model.id == asked.c.id, model.grant_id == asked.c.grant_id, asked.c.of.in_(tables))
    )


def _facts_shared(asked: Any) -> Select[Any]:
    here = and_(Fact.id == asked.c.id, Fact.grant_id == asked.c.grant_id, asked.c.of == "facts")
    return _columns(asked, rank_of_fact(), ItemKind.PERSON, Fact.person_id).join(Fact, here)


def _people_shared(asked: Any) -> Select[Any]:
    rank = rank_of_person(asked.c.grant_id, asked.c.id)
    return _columns(asked, rank, ItemKind.PERSON, asked.c.id).where(asked.c.of == "people")


def _companies_shared(asked: Any) -> Select[Any]:
    """Return how far what was computed over a company's people is shared: as its best shared fact is."""
    rank = func.max(rank_of_fact())
    here = and_(Fact.company_id == asked.c.id, Fact.grant_id == asked.c.grant_id, asked.c.of == "companies")
    grouped = _columns(asked, rank, ItemKind.PERSON, null()).join(Fact, here)
    return grouped.group_by(asked.c.grant_id, asked.c.of, asked.c.id)


def _counts_shared(asked: Any) -> Select[Any]:
    """Return how far what was counted over all that is seen of a grant is shared: as far as anything of it is."""
    most = select(func.max(_rank(SharingException.level))).where(SharingException.grant_id == asked.c.grant_id)
    rank = func.greatest(_of_grant(asked.c.grant_id), most.correlate(asked).scalar_subquery())
    return _columns(asked, rank, ItemKind.PERSON, null()).where(asked.c.of == "organisations")


def _columns(asked: Any, rank: ColumnElement[int], kind: str, item_id: Any) -> Select[Any]:
    item = literal(str(kind), Text).label("kind"), func.cast(item_id, UuidType).label("item_id")
    return select(asked.c.grant_id, asked.c.of, asked.c.id, rank.label("rank"), *item).select_from(asked)


def _of_gathering(who: Any, parts: Select[Any], gathering: Any, said: Any) -> ColumnElement[int]:
    """Return how far what several people take part in is shared."""
    kept = _is_protected_itself(who) | is_kept_from_all(who.grant_id, who.person_id)
    hidden = parts.where(kept).correlate(gathering).exists()
    least = parts.with_only_columns(func.min(rank_of_correspondent(who))).correlate(gathering).scalar_subquery()
    base = func.coalesce(least, _of_grant(gathering.grant_id))
    return case((hidden, 0), else_=base if said is None else func.coalesce(said, base))


def _of_grant(grant_id: Any) -> ColumnElement[int]:
    level = select(_rank(Grant.sharing)).where(Grant.id == grant_id, Grant.status == GrantStatus.ACTIVE)
    return func.coalesce(level.correlate_except(Grant).scalar_subquery(), 0)


def _said(grant_id: Any, about: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the least that the owner said of a person or thread; null where nothing was said."""
    least = select(func.min(_rank(SharingException.level))).where(SharingException.grant_id == grant_id, about)
    return least.correlate_except(SharingException).scalar_subquery()


def _rank(level: Any) -> ColumnElement[int]:
    return case(dict(RANK), value=level, else_=0)


def _is_protected_itself(who: Any) -> ColumnElement[bool]:
    """Return the condition that an address is protected."""
    itself = exists().where(
        ProtectedAddress.grant_id == who.grant_id, ProtectedAddress.address_index == who.address_index
    )
    return itself.correlate_except(ProtectedAddress)


def _is_protected(grant_id: Any, person_id: Any) -> ColumnElement[bool]:
    """Return the condition that any address by which the grant knows the person is protected."""
    heard, told = aliased(Correspondent), aliased(Fact)
    by_mail = (
        exists()
        .where(
            heard.grant_id == grant_id,
            heard.person_id == person_id,
            ProtectedAddress.grant_id == heard.grant_id,
            ProtectedAddress.address_index == heard.address_index,
        )
        .correlate_except(heard, ProtectedAddress)
    )
    by_contact = (
        exists()
        .where(
            told.grant_id == grant_id,
            told.person_id == person_id,
            told.field == "email",
            ProtectedAddress.grant_id == told.grant_id,
            ProtectedAddress.address_index == told.value_index,
        )
        .correlate_except(told, ProtectedAddress)
    )
    return or_(by_mail, by_contact)


openness.register(rows_shared)

"""Deals: sales in progress, by stage; the whole organisation's."""

import datetime as dt
import decimal
import enum
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm import companies
from crm.companies import CompanyRow
from crm.editing import touch_company, touch_person
from crm.models import Deal, Person
from crm.pen import Pen, line
from crm.people import PersonRow, rows_of
from crm.visibility import check_company, check_person, sight_of
from crm.webhooks.happenings import Event, happened
from kernel.errors import BadInput, NotFound
from kernel.ids import new_id
from limited_use import repeats
from limited_use.sealing import Native, Place, Sealed, System, placed

MOST_SHOWN = 200
_LARGEST = decimal.Decimal("999999999999.99")
_CURRENCY = re.compile("[A-Z]{3}")


class Stage(enum.StrEnum):
    """How far a deal has come."""

    NEW = "new"
    TALKING = "talking"
    OFFERED = "offered"
    WON = "won"
    LOST = "lost"

    @property
    def is_open(self) -> bool:
        """Tell whether the deal is still in progress."""
        return self not in (Stage.WON, Stage.LOST)


OPEN = tuple(stage for stage in Stage if stage.is_open)


@dataclass(frozen=True, slots=True)
class DealRow:
    """A deal; person and company are None where the viewer may not see them.

    The company is the one that a user named. Where the person works is the person's to tell, for Google tells it.
    """

    id: System[uuid.UUID]
    title: Sealed
    stage: Stage
    amount: Native[decimal.Decimal] | None
    currency: str
    person: PersonRow | None
    company: CompanyRow | None
    updated_at: Native[dt.datetime]


@dataclass(frozen=True, slots=True)
class Typed:
    """What a member typed of a deal. Its repr shows nothing."""

    title: str | None
    """None: it stays as it is."""
    stage: str = Stage.NEW
    amount: str = ""
    currency: str = "EUR"
    person_id: uuid.UUID | None = None
    company_id: uuid.UUID | None = None

    def __repr__(self) -> str:
        """Return a constant."""
        return "<typed>"


def add(session: Session, pen: Pen, viewer: Viewer, typed: Typed, now: dt.datetime) -> uuid.UUID:
    """Return a new deal of the viewer's.

    Raises:
        NotFound: if it is with a person or company that the viewer may not see.
        BadInput, TooLarge: if a field cannot be taken.
    """
    deal = Deal(id=new_id(), organisation_id=viewer.organisation_id, owner_id=viewer.member_id, created_at=now)
    _write(session, pen, viewer, deal, typed, now)
    if typed.person_id:
        deal.person_id = touch_person(session, viewer, typed.person_id, now).id
    if typed.company_id:
        deal.company_id = touch_company(session, viewer, typed.company_id, now).id
    session.add(deal)
    session.flush()
    happened(session, viewer, Event.DEAL_ADDED, deal.id, now)
    return deal.id


def change(session: Session, pen: Pen, viewer: Viewer, deal_id: uuid.UUID, typed: Typed, now: dt.datetime) -> bool:
    """Leave the deal as typed; whom it is with stays. Return whether anything was changed.

    Raises:
        NotFound: if there is none.
        BadInput, TooLarge: if a field cannot be taken.
    """
    deal = _find(session, viewer, deal_id)
    if typed.title is None and _worth(deal) == (_stage(typed.stage), _amount(typed.amount), _currency(typed.currency)):
        return False
    before = deal.stage
    _write(session, pen, viewer, deal, typed, now)
    _tell_of_stage(session, viewer, deal, before, now)
    return True


def move(session: Session, viewer: Viewer, deal_id: uuid.UUID, stage: str, now: dt.datetime) -> None:
    """Leave the deal at a stage.

    Raises:
        NotFound: if there is none.
        BadInput: if there is no such stage.
    """
    deal = _find(session, viewer, deal_id)
    before, deal.stage, deal.updated_at = deal.stage, _stage(stage), now
    _tell_of_stage(session, viewer, deal, before, now)


def remove(session: Session, viewer: Viewer, deal_id: uuid.UUID) -> None:
    """The deal is gone.

    Raises:
        NotFound: if there is none.
    """
    session.delete(_find(session, viewer, deal_id))
    repeats.forget(session, [deal_id])


def get(session: Session, viewer: Viewer, deal_id: uuid.UUID) -> DealRow:
    """Return a deal of the viewer's organisation.

    Raises:
        NotFound: if there is none.
    """
    return _rows(session, viewer, [_find(session, viewer, deal_id)])[0]


def list_by_stage(session: Session, viewer: Viewer) -> dict[Stage, tuple[DealRow, ...]]:
    """Return the organisation's deals by stage, last changed first; of each stage at most MOST_SHOWN."""
    board = {}
    for stage in Stage:
        query = select(Deal).where(Deal.organisation_id == viewer.organisation_id, Deal.stage == stage)
        found = session.scalars(query.order_by(Deal.updated_at.desc(), Deal.id).limit(MOST_SHOWN)).all()
        board[stage] = _rows(session, viewer, found)
    return board


def list_of_person(session: Session, viewer: Viewer, person_id: uuid.UUID) -> tuple[DealRow, ...]:
    """Return the open deals with a person.

    Raises:
        NotFound: if the viewer may not see the person.
    """
    check_person(session, viewer, person_id)
    query = select(Deal).where(
        Deal.organisation_id == viewer.organisation_id, Deal.person_id == person_id, Deal.stage.in_(OPEN)
    )
    return _rows(session, viewer, session.scalars(query.order_by(Deal.updated_at.desc(), Deal.id)).all())


def list_of_company(session: Session, viewer: Viewer, company_id: uuid.UUID) -> tuple[DealRow, ...]:
    """Return the open deals with a company, or with somebody who works there as far as the viewer may know.

    Raises:
        NotFound: if the viewer may not see the company.
    """
    check_company(session, viewer, company_id)
    sight = sight_of(session, viewer)
    staff = select(Person.id).where(Person.company_id == company_id, sight.people(), sight.placed())
    about = (Deal.company_id == company_id) | Deal.company_id.is_(None) & Deal.person_id.in_(staff)
    query = select(Deal).where(Deal.organisation_id == viewer.organisation_id, about, Deal.stage.in_(OPEN))
    return _rows(session, viewer, session.scalars(query.order_by(Deal.updated_at.desc(), Deal.id)).all())


def _find(session: Session, viewer: Viewer, deal_id: uuid.UUID) -> Deal:
    deal = session.scalar(select(Deal).where(Deal.id == deal_id, Deal.organisation_id == viewer.organisation_id))
    if deal is None:
        raise NotFound
    return deal


def _tell_of_stage(session: Session, viewer: Viewer, deal: Deal, before: str, now: dt.datetime) -> None:
    if deal.stage != before:
        happened(session, viewer, Event.DEAL_STAGE_CHANGED, deal.id, now)


def _write(session: Session, pen: Pen, viewer: Viewer, deal: Deal, typed: Typed, now: dt.datetime) -> None:
    if typed.title is not None or deal.title is None:
        title = line(typed.title, "title")
        deal.title = pen.write(session, viewer.member_id, ("deals", "title", deal.id), title)
    deal.stage, deal.amount, deal.currency = _stage(typed.stage), _amount(typed.amount), _currency(typed.currency)
    deal.updated_at = now


def _worth(deal: Deal) -> tuple[str, decimal.Decimal | None, str]:
    """Return what a form holds of the deal besides its title."""
    return deal.stage, deal.amount, deal.currency


def _stage(text: str) -> Stage:
    try:
        return Stage(text)
    except ValueError as error:
        raise BadInput("There is no such stage. Choose one of the list.") from error


def _amount(text: str) -> decimal.Decimal | None:
    plain = re.sub(r"[\s,']", "", text)
    if not plain:
        return None
    try:
        amount = decimal.Decimal(plain)
    except decimal.InvalidOperation as error:
        raise BadInput("The amount is a number, such as 12500 or 12500.50.") from error
    if not amount.is_finite() or not 0 <= amount <= _LARGEST:
        raise BadInput("The amount is a number from 0 up to 999,999,999,999.99.")
    return amount.quantize(decimal.Decimal("0.01"))


def _currency(text: str) -> str:
    code = text.strip().upper()
    if not _CURRENCY.fullmatch(code):
        raise BadInput("The currency is a code of three letters, such as EUR or USD.")
    return code


def _rows(session: Session, viewer: Viewer, deals: Sequence[Deal]) -> tuple[DealRow, ...]:
    people = {row.id.value: row for row in rows_of(session, viewer, {d.person_id for d in deals if d.person_id})}
    firms = companies.rows_of(session, viewer, {d.company_id for d in deals if d.company_id})
    at = {row.id.value: row for row in firms}
    made = []
    for deal in deals:
        title = placed(deal.title, Place(viewer.organisation_id, "deals", "title", deal.id))
        if title is None:
            continue
        made.append(
            DealRow(
                id=System(deal.id),
                title=title,
                stage=Stage(deal.stage),
                amount=None if deal.amount is None else Native(deal.amount),
                currency=deal.currency,
                person=people.get(deal.person_id),
                company=at.get(deal.company_id),
                updated_at=Native(deal.updated_at),
            )
        )
    return tuple(made)

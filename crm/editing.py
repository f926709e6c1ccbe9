"""What users write about people and companies: their own facts, and the touch that makes a record theirs.

A *touch* is the first thing a user writes to a record made by rule: from then on it is native, seen by the whole
organisation and kept when the connection that showed it ends; its facts from Google stay Google's. A typed value that
only repeats what Google told this viewer stores nothing, so that it keeps its label.
"""

import datetime as dt
import uuid
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm import addresses, names
from crm.companies import get as get_company
from crm.facts import PERSON_FIELDS
from crm.knowing import is_shown_of_company, is_shown_of_person, note_act
from crm.matching import Decision, Reason, hold, match_addresses
from crm.matching.companies import absorb
from crm.matching.match import addresses_of_people
from crm.models import Company, Correspondent, Fact, Person
from crm.models.people import MadeBy
from crm.pen import Pen, fact_text
from crm.user_facts import Owner, write_facts
from crm.visibility import check_company, check_person, sight_of
from crm.webhooks.happenings import Event, happened
from kernel.errors import BadInput, NotFound
from kernel.ids import opaque_id
from limited_use.derive import repeats


def touch_person(session: Session, viewer: Viewer, person_id: uuid.UUID, now: dt.datetime) -> Person:
    """Leave the person a user's own: kept and seen by the organisation from now on, and known by who writes.

    Raises:
        NotFound: if the viewer may not see the person.
    """
    person = check_person(session, viewer, person_id)
    if _make_users(session, viewer, person, now):
        match_addresses(session, viewer.organisation_id, addresses_of_people(session, [person_id]), now)
    return person


def touch_company(session: Session, viewer: Viewer, company_id: uuid.UUID, now: dt.datetime) -> Company:
    """Leave the company a user's own, as `touch_person` does."""
    company = check_company(session, viewer, company_id)
    company.touched_at = company.touched_at or now
    note_act(session, viewer, company)
    return company


def create_person(
    session: Session, pen: Pen, viewer: Viewer, typed: Mapping[str, str | None], now: dt.datetime
) -> uuid.UUID:
    """Return the person of whom a user typed these fields: a new one, or the one that has the address already.

    One of whom only colleagues' accounts tell, without showing it, is not returned but joins the new one: an id, like
    the time of its making, would tell that it was there.

    Raises:
        BadInput: if there is neither a name nor an address, or a field cannot be taken.
        TooLarge: if a field is too long.
    """
    told = _checked(typed)
    if not (told.get("name") or told.get("email")):
        raise BadInput("Type a name or an e-mail address first.")
    hold(session, viewer.organisation_id)
    index = pen.index("email", told["email"]) if told.get("email") else None
    person = (_meant_by(session, viewer, index) or _left_out(session, viewer, index, now)) if index else None
    person = person or _new_person(session, viewer, now)
    _make_users(session, viewer, person, now)
    write_facts(session, pen, sight_of(session, viewer), Owner(person_id=person.id), told, now)
    match_addresses(session, viewer.organisation_id, addresses_of_people(session, [person.id]), now)
    return _left_of(session, viewer, person.id, index)


def edit_person(
    session: Session,
    pen: Pen,
    viewer: Viewer,
    person_id: uuid.UUID,
    typed: Mapping[str, str | None],
    now: dt.datetime,
) -> uuid.UUID | None:
    """Leave the person with these fields as the viewer typed them; return who has them now, None if nothing was news.

    That is somebody else where an address that was typed made the two one.
    An empty field takes the users' own value away. What only repeats what Google told the viewer writes nothing.

    Raises:
        NotFound: if the viewer may not see the person.
        BadInput, TooLarge: if a field cannot be taken.
    """
    told = _checked(typed)
    check_person(session, viewer, person_id)
    hold(session, viewer.organisation_id)
    if not write_facts(session, pen, sight_of(session, viewer), Owner(person_id=person_id), told, now):
        return None
    touch_person(session, viewer, person_id, now)
    match_addresses(session, viewer.organisation_id, addresses_of_people(session, [person_id]), now)
    left_id = _left_of(session, viewer, person_id, pen.index("email", told["email"]) if told.get("email") else None)
    happened(session, viewer, Event.PERSON_CHANGED, left_id, now)
    return left_id


def add_correspondent(session: Session, viewer: Viewer, correspondent_id: uuid.UUID, now: dt.datetime) -> uuid.UUID:
    """Return the person that an address of the viewer's own account is from now on, by the viewer's word.

    Its facts stay Google's; the record is the user's.

    Raises:
        NotFound: if the address is not of the viewer's own account.
    """
    hold(session, viewer.organisation_id)
    sight = sight_of(session, viewer)
    own = Correspondent.grant_id.in_(sight.grant_ids)
    found = session.scalar(select(Correspondent).where(Correspondent.id == correspondent_id, own))
    if found is None:
        raise NotFound
    person = session.get(Person, found.person_id) if found.person_id else None
    person = person or _with_address(session, viewer, found.address_index) or _new_person(session, viewer, now)
    if found.decision != Decision.PERSON:
        found.decision, found.reason, found.person_id = Decision.PERSON, Reason.ADDED, person.id
    session.flush()
    _make_users(session, viewer, person, now)
    match_addresses(session, viewer.organisation_id, {found.address_index}, now)
    session.refresh(found, ["person_id"])
    return found.person_id or person.id


def add_address(session: Session, viewer: Viewer, address_index: bytes, now: dt.datetime) -> uuid.UUID:
    """Return the person that an address (its blind index) is from now on: `add_correspondent` for the sidebar.

    Raises:
        NotFound: if no account of the viewer's has heard of the address yet.
    """
    sight = sight_of(session, viewer)
    found = session.scalar(
        select(Correspondent.id)
        .where(Correspondent.address_index == address_index, Correspondent.grant_id.in_(sight.grant_ids))
        .order_by(Correspondent.source.desc(), Correspondent.id)
        .limit(1)
    )
    if found is None:
        raise NotFound("This address was not imported from your account yet. Try again when the import has passed it.")
    return add_correspondent(session, viewer, found, now)


def create_company(
    session: Session, pen: Pen, viewer: Viewer, typed: Mapping[str, str | None], now: dt.datetime
) -> uuid.UUID:
    """Return the company of which a user typed `company_name` and perhaps `domain`: new, or the one of that domain.

    Raises:
        BadInput, TooLarge: if a field cannot be taken, or the domain is a public mail provider's.
    """
    told = {field: fact_text(field, typed.get(field)) for field in ("company_name", "domain")}
    if told["domain"] and addresses.is_free_mail(told["domain"]):
        raise BadInput("That domain belongs to a public mail provider, so it stands for no one company.")
    told["company_name"] = told["company_name"] or names.company_name(told["domain"] or "") or ""
    fact_text("company_name", told["company_name"], required=True)
    hold(session, viewer.organisation_id)
    company_id = _with_domain(session, viewer, pen.index("domain", told["domain"])) if told["domain"] else None
    is_news = company_id is None
    if company_id is None:
        company_id = opaque_id()
        made = Company(id=company_id, organisation_id=viewer.organisation_id, made_by=MadeBy.USER, created_at=now)
        made.touched_at = now
        session.add(made)
        session.flush()
    touch_company(session, viewer, company_id, now)
    if is_news or typed.get("company_name"):  # the domain alone names nobody anew
        told["company_name"] = _own_name(session, pen, viewer, company_id, told["company_name"])
    else:
        del told["company_name"]
    write_facts(session, pen, sight_of(session, viewer), Owner(company_id=company_id), told, now)
    if told["domain"]:
        absorb(session, company_id, pen.index("domain", told["domain"]))
    return company_id


def edit_company(
    session: Session, pen: Pen, viewer: Viewer, company_id: uuid.UUID, typed: str, now: dt.datetime
) -> bool:
    """Leave the company with the name that the viewer typed; return whether it was news.

    An empty one takes the users' own name away. One that only repeats what the viewer sees from Google writes nothing.

    Raises:
        NotFound: if the viewer may not see the company.
        TooLarge: if the name is too long.
    """
    name = _own_name(session, pen, viewer, company_id, fact_text("company_name", typed))
    sight = sight_of(session, viewer)
    if not write_facts(session, pen, sight, Owner(company_id=company_id), {"company_name": name}, now):
        return False
    touch_company(session, viewer, company_id, now)
    return True


def _own_name(session: Session, pen: Pen, viewer: Viewer, company_id: uuid.UUID, name: str) -> str:
    """Return the name of a company as the user's own: none where it only repeats what the viewer sees from Google."""
    googles = [row.value for row in get_company(session, viewer, company_id).facts if not row.is_users]
    return "" if name and any(repeats(pen.vault, name, googles)) else name


def _make_users(session: Session, viewer: Viewer, person: Person, now: dt.datetime) -> bool:
    """Leave the person a user's own, and known by the viewer if an account of theirs tells of them.

    Return whether it was nobody's own before.
    """
    is_news = person.touched_at is None
    if is_news:
        hold(session, viewer.organisation_id)
        person.touched_at = now
    note_act(session, viewer, person)
    session.flush()
    if is_news:
        happened(session, viewer, Event.PERSON_ADDED, person.id, now)
    return is_news


def _new_person(session: Session, viewer: Viewer, now: dt.datetime) -> Person:
    made = Person(id=opaque_id(), organisation_id=viewer.organisation_id, made_by=MadeBy.USER, created_at=now)
    session.add(made)
    session.flush()
    return made


def _checked(typed: Mapping[str, str | None]) -> dict[str, str]:
    return {field: fact_text(field, text) for field, text in typed.items() if field in PERSON_FIELDS}


def _with_address(session: Session, viewer: Viewer, index: bytes) -> Person | None:
    """Return the person whose address it is, as far as the viewer may know of any: by users' word, else as shown."""
    return session.scalar(_has_address(session, viewer, index))


def _meant_by(session: Session, viewer: Viewer, index: bytes) -> Person | None:
    """Return the person whose address it is, as far as that person's fields may be written under it.

    Not one of whom users have written and who has another address too: that both are theirs is Google's word alone,
    and what users wrote would be replaced by what they write of somebody else.
    """
    shown = select(Fact.id).where(Fact.person_id == Person.id, _is_shown(session, viewer)).correlate(Person)
    address = shown.where(Fact.field == "email")
    typed = address.where(Fact.value_index == index, Fact.grant_id.is_(None)).exists()
    other = address.where(Fact.value_index != index).exists()
    written = shown.where(Fact.grant_id.is_(None)).exists()
    return session.scalar(_has_address(session, viewer, index).where(or_(typed, ~(other & written))))


def _left_of(session: Session, viewer: Viewer, person_id: uuid.UUID, index: bytes | None) -> uuid.UUID:
    """Return the person, or whom they became one with by the address that was typed."""
    if index is None or session.get(Person, person_id, populate_existing=True) is not None:
        return person_id
    became = _with_address(session, viewer, index)
    return person_id if became is None else became.id


def _left_out(session: Session, viewer: Viewer, index: bytes, now: dt.datetime) -> Person | None:
    """Return the person that an address becomes which the viewer's own account knows and no rule made a person of.

    So what the account tells of it keeps its label, also where the viewer types it again.
    """
    found = session.scalar(
        select(Correspondent.id)
        .where(
            Correspondent.address_index == index,
            Correspondent.grant_id.in_(sight_of(session, viewer).grant_ids),
            Correspondent.person_id.is_(None),
            Correspondent.reason.not_in((Reason.OWN_ADDRESS, Reason.SUPPRESSED)),
        )
        .order_by(Correspondent.source.desc(), Correspondent.id)
        .limit(1)
    )
    return session.get_one(Person, add_correspondent(session, viewer, found, now)) if found else None


def _has_address(session: Session, viewer: Viewer, index: bytes) -> Select[Person]:
    """Return the query for the person with the address, by what is shown to the viewer; a user's word counts first."""
    told = (Fact.organisation_id == viewer.organisation_id) & (Fact.field == "email") & (Fact.value_index == index)
    return (
        select(Person)
        .join(Fact, Fact.person_id == Person.id)
        .where(told, _is_shown(session, viewer))
        .order_by(Fact.grant_id.is_not(None), Person.id)
        .limit(1)
    )


def _is_shown(session: Session, viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition on facts of a person that the viewer may know of."""
    return sight_of(session, viewer).facts() | is_shown_of_person(Fact.grant_id)


def _with_domain(session: Session, viewer: Viewer, index: bytes) -> uuid.UUID | None:
    """Return the company of the domain, as `_with_address` does of people."""
    shown = sight_of(session, viewer).facts() | is_shown_of_company()
    query = select(Company.id).join(Fact, Fact.company_id == Company.id)
    told = query.where(
        Fact.organisation_id == viewer.organisation_id, Fact.value_index == index, Fact.field == "domain", shown
    )
    return session.scalar(told.order_by(Company.id).limit(1))

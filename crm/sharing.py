"""What an owner does about sharing: the level of a grant, exceptions for people and threads, protected addresses.

Each act is the owner's alone, locks the grant as an ending does, and stands in the log: how the grant is shared now,
nothing of whom. What follows of it for a row is `crm.openness`'s to say.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from accounts import sharing
from accounts.members import Viewer
from accounts.models import ItemKind, Opening, OpeningPurpose, OpeningState, Sharing
from crm import kept, people, timeline
from crm.addresses import normalise
from crm.models import Message, ProtectedAddress, SharingException
from crm.people import PersonRow
from crm.timeline import Entry
from crm.visibility import check_person
from kernel.errors import BadInput, NotFound
from kernel.ids import new_id
from kernel.runtime import Runtime
from limited_use.keys import KeyPurpose, vault
from limited_use.log import record as log
from limited_use.log.leaf import Leaf
from limited_use.log.words import ActorClass, Decision, Kind
from limited_use.sealing import Sealed, System


@dataclass(frozen=True, slots=True)
class PersonException:
    """A person who is shared otherwise than the grant; only_me hides them."""

    id: System[uuid.UUID]
    person: PersonRow
    level: Sharing


@dataclass(frozen=True, slots=True)
class ThreadException:
    """A thread that is shared otherwise than the grant, shown by its newest message; only_me hides it."""

    id: System[uuid.UUID]
    newest: Entry
    level: Sharing


@dataclass(frozen=True, slots=True)
class Protected:
    """An address that no teammate is ever shown."""

    id: System[uuid.UUID]
    address: Sealed


def share(runtime: Runtime, session: Session, viewer: Viewer, grant_id: uuid.UUID, level: Sharing) -> bool:
    """Leave the viewer's own grant shared so from the commit on, and say whether that is new.

    Raises:
        NotFound: if it is not theirs, or ended: the answer is the same.
    """
    changed = sharing.change_level(session, viewer, grant_id, level)
    if changed:
        _tell(runtime, session, viewer, grant_id, f"shared_{level}")
    return changed


def except_person(
    runtime: Runtime, session: Session, viewer: Viewer, grant_id: uuid.UUID, person_id: uuid.UUID, level: Sharing
) -> None:
    """Leave what the viewer's own grant tells of a person shared so, whatever the grant's level; only_me hides it.

    Raises:
        NotFound: if the grant or the person is not theirs to see.
    """
    sharing.lock_own(session, viewer, grant_id)
    check_person(session, viewer, person_id)
    there = (SharingException.grant_id == grant_id, SharingException.person_id == person_id)
    session.execute(delete(SharingException).where(*there))
    _add(runtime, session, viewer, grant_id, level, person_id=person_id)


def except_thread(runtime: Runtime, session: Session, viewer: Viewer, message_id: uuid.UUID, level: Sharing) -> None:
    """Leave the thread of a message of the viewer's own shared so, whatever its grant's level; only_me hides it.

    Raises:
        NotFound: if the message is not in a mailbox of theirs.
    """
    message = timeline.own_message(session, viewer, message_id)
    sharing.lock_own(session, viewer, message.grant_id)
    there = (SharingException.grant_id == message.grant_id, SharingException.thread_id == message.thread_id)
    session.execute(delete(SharingException).where(*there))
    _add(runtime, session, viewer, message.grant_id, level, thread_id=message.thread_id)


def end_exception(runtime: Runtime, session: Session, viewer: Viewer, exception_id: uuid.UUID) -> None:
    """The person or thread of the exception is shared as the grant is.

    Raises:
        NotFound: if it is not the viewer's.
    """
    found = session.get(SharingException, exception_id)
    if found is None:
        raise NotFound
    sharing.lock_own(session, viewer, found.grant_id)
    session.execute(delete(SharingException).where(SharingException.id == exception_id))
    _tell(runtime, session, viewer, found.grant_id, "sharing_exception_ended")


def people_of(session: Session, viewer: Viewer, grant_id: uuid.UUID) -> tuple[PersonException, ...]:
    """Return the people whom the viewer's own grant shares otherwise, by last contact.

    Raises:
        NotFound: if the grant is not theirs.
    """
    sharing.level_of(session, viewer, grant_id)
    query = select(SharingException).where(
        SharingException.grant_id == grant_id, SharingException.person_id.is_not(None)
    )
    found = {row.person_id: row for row in session.scalars(query) if row.person_id is not None}
    return tuple(
        PersonException(System(found[row.id.value].id), row, Sharing(found[row.id.value].level))
        for row in people.rows_of(session, viewer, found)
        if row.id.value is not None
    )


def threads_of(session: Session, viewer: Viewer, grant_id: uuid.UUID) -> tuple[ThreadException, ...]:
    """Return the threads that the viewer's own grant shares otherwise, the newest exception first.

    Raises:
        NotFound: if the grant is not theirs.
    """
    sharing.level_of(session, viewer, grant_id)
    newest = (
        select(Message.id)
        .where(Message.grant_id == grant_id, Message.thread_id == SharingException.thread_id)
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(1)
        .correlate(SharingException)
        .scalar_subquery()
    )
    query = (
        select(SharingException.id, SharingException.level, newest.label("message_id"))
        .where(SharingException.grant_id == grant_id, SharingException.thread_id.is_not(None))
        .order_by(SharingException.created_at.desc(), SharingException.id)
    )
    return tuple(
        ThreadException(System(row.id), timeline.message_entry(session, viewer, row.message_id), Sharing(row.level))
        for row in session.execute(query)
        if row.message_id is not None
    )


def protect(runtime: Runtime, session: Session, viewer: Viewer, grant_id: uuid.UUID, address: str) -> None:
    """No teammate is shown this address from the viewer's own grant, nor any mail or meeting with it, at any level.

    Raises:
        NotFound: if the grant is not theirs.
        BadInput: if that is no e-mail address.
    """
    grant = sharing.lock_own(session, viewer, grant_id)
    normal = normalise(address)
    if normal is None:
        raise BadInput("That is not an e-mail address: it needs a name, an @ and a domain.")
    keys = vault(runtime)
    row_id = new_id()
    sealer = keys.sealer(grant.organisation_id, KeyPurpose.DERIVED, grant_id)
    row = insert(ProtectedAddress).values(
        id=row_id,
        organisation_id=grant.organisation_id,
        grant_id=grant_id,
        address_index=keys.indexer(grant.organisation_id).digest("address", normal),
        address=sealer.seal("protected_addresses", "address", row_id, normal),
        created_at=runtime.clock.now(),
    )
    session.execute(row.on_conflict_do_nothing(index_elements=["grant_id", "address_index"]))
    _close(runtime, session, grant_id)
    _tell(runtime, session, viewer, grant_id, "address_protected")


def unprotect(runtime: Runtime, session: Session, viewer: Viewer, protected_id: uuid.UUID) -> None:
    """The address is shared as its grant is.

    Raises:
        NotFound: if it is not the viewer's.
    """
    found = session.get(ProtectedAddress, protected_id)
    if found is None:
        raise NotFound
    sharing.lock_own(session, viewer, found.grant_id)
    session.execute(delete(ProtectedAddress).where(ProtectedAddress.id == protected_id))
    _tell(runtime, session, viewer, found.grant_id, "address_unprotected")


def protected_of(session: Session, viewer: Viewer, grant_id: uuid.UUID) -> tuple[Protected, ...]:
    """Return the addresses that the viewer protects, the newest first.

    Raises:
        NotFound: if the grant is not theirs.
    """
    sharing.level_of(session, viewer, grant_id)
    query = select(ProtectedAddress).where(ProtectedAddress.grant_id == grant_id)
    rows = session.scalars(query.order_by(ProtectedAddress.created_at.desc(), ProtectedAddress.id))
    return tuple(Protected(System(row.id), row.address) for row in rows)


def _add(  # noqa: PLR0913 -- as for `except_person`
    runtime: Runtime,
    session: Session,
    viewer: Viewer,
    grant_id: uuid.UUID,
    level: Sharing,
    *,
    person_id: uuid.UUID | None = None,
    thread_id: str | None = None,
) -> None:
    session.add(
        SharingException(
            organisation_id=viewer.organisation_id,
            grant_id=grant_id,
            person_id=person_id,
            thread_id=thread_id,
            level=level,
            created_at=runtime.clock.now(),
        )
    )
    session.flush()
    if level == Sharing.ONLY_ME:
        _close(runtime, session, grant_id)
    _tell(runtime, session, viewer, grant_id, f"{'person' if person_id else 'thread'}_shared_{level}")


def _close(runtime: Runtime, session: Session, grant_id: uuid.UUID) -> None:
    """What the owner had opened to single colleagues ends, where they keep it from everybody now."""
    ids = (grant_id,)
    hidden = kept.people(ids).subquery()
    is_kept = or_(
        and_(Opening.item_kind == ItemKind.MESSAGE, Opening.item_id.in_(kept.messages(ids))),
        and_(Opening.item_kind == ItemKind.MEETING, Opening.item_id.in_(kept.meetings(ids, ()))),
        and_(Opening.item_kind == ItemKind.PERSON, Opening.item_id.in_(select(hidden.c.person_id))),
    )
    consented = (Opening.purpose != OpeningPurpose.CASE, Opening.state == OpeningState.ALLOWED)
    session.execute(
        update(Opening)
        .where(Opening.grant_id == grant_id, *consented, is_kept)
        .values(state=OpeningState.ENDED, ended_at=runtime.clock.now())
        .execution_options(synchronize_session=False)
    )


def _tell(runtime: Runtime, session: Session, viewer: Viewer, grant_id: uuid.UUID, reason: str) -> None:
    """Add to the log how the grant is shared now."""
    keys = vault(runtime)

    def name(what: str, subject_id: uuid.UUID) -> str:
        return keys.pseudonym(viewer.organisation_id, what, subject_id)

    leaf = Leaf(
        at=runtime.clock.now(),
        kind=Kind.GRANT,
        decision=Decision.EVENT,
        actor_class=ActorClass.MEMBER,
        org=name("organisation", viewer.organisation_id),
        actor=name("member", viewer.member_id),
        feature="sharing",
        reason=reason,
        grants=(name("grant", grant_id),),
    )
    log.append(session, leaf, organisation_id=viewer.organisation_id, actor_id=viewer.member_id)

"""What the sidebar answers: to a trigger with the card of what was opened, to a click with what came of it.

Reading is one transaction without locks; what is shown is then released for the viewer, feature *sidebar*, and opened
into the card. Ids that a button sends back are looked up anew among what this viewer may see.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from addon import lookup, people, writing
from addon.cards import Cards, Tree, decorated
from addon.envelope import Answer, clicked, opened
from addon.events import Event, read_message_id
from addon.identity import Known
from crm.models import Task
from crm.pen import pen
from crm.visibility import Sight, sight_of
from kernel.errors import NotFound
from kernel.runtime import Runtime
from limited_use.asking import ActorClass, Asking, Purpose, Sink
from limited_use.release import guard
from limited_use.sealing import Native
from limited_use.sinks import sidebar
from limited_use.sinks.sidebar import Present, Text
from sync.models import Collection, CollectionKind, CollectionState

MAIL_JOB = "sync.mail"
MOST_TASKS = 5
_REPEATS = "Note saved. It repeats something from your Google account, so it stays out of AI tools and webhooks."
_CONNECT = {"Connect Gmail": "/connections"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call for a member: on what it runs, for whom, and about what."""

    runtime: Runtime
    known: Known
    event: Event
    reading: Session
    """In which the member was found. A block on it ends its transaction: nothing is released while one is open."""

    @property
    def message_id(self) -> str | None:
        """Return the open message, as the host says or, failing that, the button."""
        return self.event.message_id or read_message_id(self.event.parameters.get("message"))

    @property
    def now(self) -> dt.datetime:
        """Return the present moment."""
        return self.runtime.clock.now()

    def cards(self) -> Cards:
        """Return the builder of this call's cards."""
        return Cards(self.runtime.settings, self.runtime.clock, self.known.email, self.message_id)

    def open(self, card: Tree) -> orjson.Fragment:
        """Return the card with everything in it opened for the viewer, as finished JSON."""
        viewer = self.known.viewer
        asking = Asking(
            organisation_id=viewer.organisation_id,
            member_id=viewer.member_id,
            actor=ActorClass.ADDON,
            feature="sidebar",
            purpose=Purpose.USER_FEATURE,
            sink=Sink.SIDEBAR,
        )
        return sidebar.card(guard(self.runtime), asking, card)

    def chosen(self) -> uuid.UUID:
        """Return the address that a button names.

        Raises:
            NotFound: It names none.
        """
        try:
            return uuid.UUID(self.event.parameters.get("correspondent", ""))
        except ValueError:
            raise NotFound from None


def home(call: Call) -> Answer:
    """Answer to the add-on being opened beside no message."""
    viewer = call.known.viewer
    with call.reading as session:
        mine = select(Task).where(Task.organisation_id == viewer.organisation_id, Task.owner_id == viewer.member_id)
        first = mine.where(Task.done_at.is_(None)).order_by(Task.due_on.asc().nulls_last(), Task.id).limit(MOST_TASKS)
        lines = [_task(task) for task in session.scalars(first)]
        connected = _mail_collections(session, sight_of(session, viewer))
    links = {"People": "/people", "Tasks": "/tasks", "Connections": "/connections"}
    return opened(call.open(call.cards().home(lines, links if connected else _CONNECT | links)))


def message(call: Call) -> Answer:
    """Answer to a message being opened."""
    return opened(call.open(_message_card(call)))


def act(call: Call, name: str) -> Answer:
    """Answer to a click on an action of a card.

    Raises:
        NotFound: There is no such action, or nothing that it could be done to.
    """
    action = ACTIONS.get(name)
    if action is None:
        raise NotFound
    return action(call)


def _refresh(call: Call) -> Answer:
    return clicked(call.open(_message_card(call)), changed=True)


def _show(call: Call) -> Answer:
    return clicked(call.open(_person_card(call, call.chosen())))


def _others(call: Call) -> Answer:
    with call.reading as session:
        sight = sight_of(session, call.known.viewer)
        found = lookup.others(_participants(call, session, sight) or [])
        names = people.names_of(session, sight, found)
    return clicked(call.open(call.cards().choice(found, names)))


def _note(call: Call) -> Answer:
    with call.reading as session:
        sight = sight_of(session, call.known.viewer)
        panel = people.head_of(session, sight, lookup.participant(session, sight, call.chosen()))
    if panel.person_id is None:
        raise NotFound
    return clicked(call.open(call.cards().note(panel)))


def _save_note(call: Call) -> Answer:
    viewer, said = call.known.viewer, (call.event.parameters.get("nonce", ""), call.event.typed.get("note", ""))
    keys = pen(call.runtime, viewer.organisation_id)
    call.reading.close()
    with call.runtime.begin() as work:
        found = lookup.participant(work.session, sight_of(work.session, viewer), call.chosen())
        if found.person_id is None:
            raise NotFound
        writing.add_note(work.session, keys, viewer, found.person_id, said, call.now)
    return clicked(
        call.open(_person_card(call, call.chosen())), told=_REPEATS if keys.repeated else "Note saved", changed=True
    )


def _add(call: Call) -> Answer:
    nonce = call.event.parameters.get("nonce", "")
    call.reading.close()
    with call.runtime.begin() as work:
        writing.add_person(work.session, call.known.viewer, call.chosen(), nonce, call.now)
    return clicked(call.open(_person_card(call, call.chosen())), told="Added to your CRM", changed=True)


ACTIONS: dict[str, Callable[[Call], Answer]] = {
    "refresh": _refresh,
    "show": _show,
    "others": _others,
    "note": _note,
    "save-note": _save_note,
    "add": _add,
}
"""Every action that a card can name."""


def _message_card(call: Call) -> Tree:
    """Return the card about the open message, or of why there is none."""
    with call.reading as session:
        sight = sight_of(session, call.known.viewer)
        found = _participants(call, session, sight)
        subject = lookup.subject_of(found or [])
        panel = None if subject is None else people.panel_of(session, sight, subject, call.now)
    if found is None:
        return _not_here(call)
    if panel is None:
        return call.cards().notice("Only you", "This message is between addresses of your own.")
    return call.cards().person(panel, others=len(lookup.others(found)) > 1)


def _person_card(call: Call, correspondent_id: uuid.UUID) -> Tree:
    """Return the card of one address of the viewer's own accounts."""
    with call.reading as session:
        sight = sight_of(session, call.known.viewer)
        panel = people.panel_of(session, sight, lookup.participant(session, sight, correspondent_id), call.now)
        others = lookup.others(_participants(call, session, sight) or [])
    return call.cards().person(panel, others=len(others) > 1)


def _participants(call: Call, session: Session, sight: Sight) -> list[lookup.Participant] | None:
    return None if call.message_id is None else lookup.participants(session, sight, call.message_id)


def _not_here(call: Call) -> Tree:
    """Return the card about a message that is not stored; its mailbox is looked at now, if that can help."""
    with call.runtime.begin() as work:
        collections = _mail_collections(work.session, sight_of(work.session, call.known.viewer))
        for collection in collections:
            # One that fails has a wait of its own, which a click does not shorten.
            if collection.state != CollectionState.STOPPED and not collection.failures:
                work.later(MAIL_JOB, collection.id)
    if not collections:
        sentence = "Your Gmail is not connected, so nothing is known about this message."
        return call.cards().notice("Gmail is not connected", sentence, links=_CONNECT)
    sentence = "Your mailbox is being read now. Refresh in a moment; drafts, spam and trash are left out."
    return call.cards().notice("This message is not in your CRM yet", sentence, refresh=True)


def _mail_collections(session: Session, sight: Sight) -> list[Collection]:
    mine = select(Collection).where(Collection.grant_id.in_(sight.grant_ids), Collection.kind == CollectionKind.MAIL)
    return list(session.scalars(mine))


def _task(task: Task) -> Tree:
    due = Text("Due ", Present(Native(task.due_on), "date")) if task.due_on is not None else "No due date"
    return decorated(task.title, due, "BOOKMARK")

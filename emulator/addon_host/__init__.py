"""The side of Gmail and Calendar that calls an add-on over HTTP, and shows its cards.

Terms: an *EventObject* is the body of a call; a *trigger* is a call because something was opened, a *click* one
because a card's action was used; the *stack* is the cards that a person has open, the last one seen. Invariants: the
tokens in a call are like Google's, signed with this Google's key for that very address; an answer is judged by
Google's own schema and by the rules that the schema cannot say; calls go to the configured add-on alone.

Differs from Google: no consent prompt interrupts a call, what is allowed is said by whoever calls; cards are not
cached.
"""

from emulator.addon_host.calling import Called, NoAddon, call
from emulator.addon_host.control import blueprint
from emulator.addon_host.envelope import read_reply
from emulator.addon_host.events import SCOPES, SERVICE_ACCOUNT, Calling, event_object

__all__ = [
    "SCOPES",
    "SERVICE_ACCOUNT",
    "Called",
    "Calling",
    "NoAddon",
    "blueprint",
    "call",
    "event_object",
    "read_reply",
]

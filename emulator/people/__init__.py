"""The part of the local Google that holds people: contacts, and those whom Google collected from mail.

Terms: a *person* is a resource `people/c<number>`; a *tombstone* is what is left of a deleted one, so that a delta can
tell of it; a *mask* names the fields that a call wants to see or to replace.
"""

from emulator.people import control
from emulator.people.changes import add_contact, count, delete_contact, patch_contact
from emulator.people.routes import blueprint

__all__ = ["add_contact", "blueprint", "control", "count", "delete_contact", "patch_contact"]

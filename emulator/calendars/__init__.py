"""The part of the local Google that holds calendars and events.

Terms: a *master* is a recurring event, an *instance* one of its dates, an *exception* an instance that differs from
its rule or was cancelled; a *delta* is what changed since a sync token. Each VEVENT of a Takeout folder is one event
resource; nothing is unrolled unless a client asks for single events.
"""

from emulator.calendars import control
from emulator.calendars.changes import add_event, count, delete_event, patch_event
from emulator.calendars.routes import blueprint

__all__ = ["add_event", "blueprint", "control", "count", "delete_event", "patch_event"]

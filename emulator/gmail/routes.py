"""All of Gmail's methods, gathered: importing this module declares them on its blueprint."""

from __future__ import annotations

from emulator.gmail import history, mailboxes, messages, threads
from emulator.gmail.blueprint import blueprint

__all__ = ["blueprint", "history", "mailboxes", "messages", "threads"]

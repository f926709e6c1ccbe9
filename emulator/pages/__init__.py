"""The tiny pages by which a person watches a local Google, and plays its user: mail, calendar, contacts.

`/` leads to the mailbox of the first account; `/u/<n>/…` is the n-th. What is changed here is changed at this Google,
so that a client of its APIs finds it on the next look. Invariants: no script, no outside asset, HTML mail is reduced
to text marks before it is shown; a form of another site is refused.

Differs from Google in every way that does not matter for that.
"""

from emulator.pages import calendar, contacts, mail, sidebar
from emulator.pages.frame import blueprint

__all__ = ["blueprint", "calendar", "contacts", "mail", "sidebar"]

"""The names of labels in a Takeout mbox, and the ids they have in the API.

`X-Gmail-Labels` lists names, separated by commas, quoted when a name has one, encoded when it is not
ASCII. Gmail's own names become its ids; `Opened` and `Archived` say that a label is absent; every other
name is a label that a person made. Takeout writes Gmail's names in the language of the account; the most
common of a few languages are known here, the rest become labels of the person.
"""

from __future__ import annotations

import csv

_SYSTEM = {
    "inbox": "INBOX",
    "sent": "SENT",
    "sent mail": "SENT",
    "draft": "DRAFT",
    "drafts": "DRAFT",
    "spam": "SPAM",
    "trash": "TRASH",
    "bin": "TRASH",
    "chat": "CHAT",
    "chats": "CHAT",
    "unread": "UNREAD",
    "starred": "STARRED",
    "important": "IMPORTANT",
    "category personal": "CATEGORY_PERSONAL",
    "category social": "CATEGORY_SOCIAL",
    "category promotions": "CATEGORY_PROMOTIONS",
    "category updates": "CATEGORY_UPDATES",
    "category forums": "CATEGORY_FORUMS",
    "posteingang": "INBOX",
    "gesendet": "SENT",
    "entwürfe": "DRAFT",
    "papierkorb": "TRASH",
    "ungelesen": "UNREAD",
    "markiert": "STARRED",
    "wichtig": "IMPORTANT",
    "boîte de réception": "INBOX",
    "messages envoyés": "SENT",
    "brouillons": "DRAFT",
    "corbeille": "TRASH",
    "non lus": "UNREAD",
    "suivis": "STARRED",
    "recibidos": "INBOX",
    "enviados": "SENT",
    "borradores": "DRAFT",
    "papelera": "TRASH",
    "no leídos": "UNREAD",
    "destacados": "STARRED",
    "importantes": "IMPORTANT",
}
_ABSENCES = frozenset(
    {"opened", "archived", "read", "geöffnet", "archiviert", "ouvert", "archivés", "abierto", "archivado"}
)


def split_names(field: str) -> list[str]:
    """Give the names in an `X-Gmail-Labels` field that was decoded already."""
    rows = list(csv.reader([field.replace("\n", " ")], skipinitialspace=True))
    return [name.strip() for name in (rows[0] if rows else []) if name.strip()]


def sort_names(names: list[str]) -> tuple[frozenset[str], list[str]]:
    """Give the ids of Gmail's own labels among the names, and the names that people made."""
    system: set[str] = set()
    made: list[str] = []
    for name in names:
        known = _SYSTEM.get(name.lower())
        if known:
            system.add(known)
        elif name.lower() not in _ABSENCES:
            made.append(name)
    return frozenset(system), made


def without_names(*, by_owner: bool) -> frozenset[str]:
    """Give the labels of a message that came without any: what its owner wrote was sent."""
    return frozenset({"SENT"}) if by_owner else frozenset({"INBOX"})

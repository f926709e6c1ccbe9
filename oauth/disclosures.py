"""What is said in the product immediately before a Google product is connected.

The text of a disclosure is exactly what its page shows, made from the parts below; it is hashed into the consent, so
any change of wording must raise VERSION (a test holds text and version together).
"""

from dataclasses import dataclass
from typing import Final

from accounts.consents import Disclosure
from kernel.errors import NotFound
from oauth.scopes import NAMES

VERSION: Final = "2026-11-23.2"

LIMITED_USE: Final = (
    "The use of raw or derived user data received from Workspace APIs will adhere to the Google User Data Policy, "
    "including the Limited Use requirements. It is never used to develop, improve or train generalised AI or machine "
    "learning models, never shown to AI tools, never sold, and never used for advertising."
)


@dataclass(frozen=True, slots=True)
class Explained:
    """A disclosure in the parts that its page lays out."""

    feature: str
    name: str
    permission: str
    reads: tuple[str, ...]
    not_read: tuple[str, ...]
    use: tuple[str, ...]
    sharing: tuple[str, ...]
    ending: str

    def disclosure(self) -> Disclosure:
        """Return the text as it is hashed into the consent."""
        lines = [
            self.name,
            self.permission,
            *self.reads,
            *self.not_read,
            *self.use,
            *self.sharing,
            self.ending,
            LIMITED_USE,
        ]
        return Disclosure(f"connect_{self.feature}", VERSION, "\n".join(lines))


_SHARING: Final = (
    "Only you see what comes from it, unless you choose to share some of it with colleagues; you can take that back.",
    "Admins of your organisation see no more than other colleagues do.",
    "Nothing of it is passed on to anyone else, and no person at our side reads it.",
)
_ENDING: Final = (
    "Disconnect at any time under Connections: reading stops at once, the keys to the stored data are destroyed, "
    "the data are deleted, and you get a receipt."
)

_ALL: Final = {
    "gmail": Explained(
        feature="gmail",
        name=NAMES["gmail"],
        permission=(
            "Google will ask whether we may view your email messages and settings. We cannot send or change any."
        ),
        reads=(
            "Who wrote to whom and when, the subject line and Google's short preview of each message: stored.",
            "The other addresses you send as: stored, so that you are not taken for somebody else.",
            "The text of a message: read from Gmail at the moment you open it, and not stored.",
            "If your organisation turns it on, which Connections then says: each text once more. It is not stored.",
            "Made of subjects, previews and those texts: numbers by which a copied passage is known again.",
            "What is stored is encrypted under a key of your own connection, all but times and counts.",
        ),
        not_read=("Drafts, spam, trash and chats are left out.",),
        use=(
            "To find the people and companies you write with, and to show your conversations on their pages.",
            "To show who somebody is beside an open message.",
        ),
        sharing=_SHARING,
        ending=_ENDING,
    ),
    "calendar": Explained(
        feature="calendar",
        name=NAMES["calendar"],
        permission="Google will ask whether we may see your calendars. We cannot add, change or delete events.",
        reads=(
            "Title, place, time and guests of your events, and the names of your calendars: stored.",
            "What is stored is encrypted under a key of your own connection, all but times and counts.",
        ),
        not_read=("Descriptions and attachments of events are not stored.",),
        use=(
            "To find the people you meet, and to show past and coming meetings on their pages.",
            "To show who you are about to meet beside an open event.",
        ),
        sharing=_SHARING,
        ending=_ENDING,
    ),
    "contacts": Explained(
        feature="contacts",
        name=NAMES["contacts"],
        permission="Google will ask whether we may see and download your contacts. We cannot change any.",
        reads=(
            "Names, mail and postal addresses and phone numbers of your contacts: stored.",
            "Their websites, birthdays, jobs and organisations: stored.",
            "All of it is encrypted under a key of your own connection.",
        ),
        not_read=("Photos and notes on contacts are not stored.",),
        use=("To put the right name, company and number on the people you already know.",),
        sharing=_SHARING,
        ending=_ENDING,
    ),
}


def explain(feature: str) -> Explained:
    """Return what is to be said before connecting the product.

    Raises:
        NotFound: There is no such product.
    """
    found = _ALL.get(feature)
    if found is None:
        raise NotFound
    return found

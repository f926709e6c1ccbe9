"""What is planted at Google before the first sync: one canary in every kind of field that Google can give us."""

import base64
import datetime as dt
import email.message
import email.utils
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo import hunt


@dataclass
class Planting:
    """The canaries by name of their field, and the Google resources that carry them."""

    owner: str
    now: dt.datetime
    texts: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the canary of the field `name`, made at its first use."""
        return self.texts.setdefault(name, hunt.fresh())

    def address(self, name: str) -> str:
        """Return an address whose local part is the canary `name`, at a domain with a canary of its own."""
        return f"{self.text(name)}@{self.text(name + '.domain')}.example"

    def phone(self) -> str:
        """Return a number unlike any other; digits are hunted in clear form."""
        self.texts.setdefault("contact.phone", f"49301{hash_digits(self.text('contact.phone.seed'))}")
        return "+" + self.texts["contact.phone"]


def hash_digits(seed: str) -> str:
    """Return eight digits drawn from the letters of a seed."""
    return "".join(str(hunt.ALPHABET.index(letter) % 10) for letter in seed[:8])


def _message(plant: Planting, build: Callable[[email.message.EmailMessage], None], age_days: int) -> str:
    message = email.message.EmailMessage()
    message["Date"] = email.utils.format_datetime(plant.now - dt.timedelta(days=age_days))
    build(message)
    return base64.urlsafe_b64encode(message.as_bytes()).decode()


def messages(plant: Planting) -> list[dict[str, Any]]:
    """Return an incoming mail and the owner's answer to it, for the emulator's control API.

    The answer is what makes a person of the sender, so that the canaries reach every table and page.
    """
    sender = plant.address("mail.from.address")
    message_id = f"<{plant.text('mail.message_id')}@{plant.text('mail.message_id.domain')}.example>"

    def incoming(message: email.message.EmailMessage) -> None:
        message["From"] = email.utils.formataddr((plant.text("mail.from.name").title(), sender))
        message["To"] = email.utils.formataddr((plant.text("mail.to.name"), plant.owner))
        message["Cc"] = email.utils.formataddr((plant.text("mail.cc.name"), plant.address("mail.cc.address")))
        message["Reply-To"] = plant.address("mail.reply_to")
        message["Subject"] = f"Offer {plant.text('mail.subject')}"
        message["Message-ID"] = message_id
        message.set_content(f"Snippet {plant.text('mail.snippet')}\n\n" + "line\n" * 80 + plant.text("mail.body"))
        name = f"{plant.text('mail.attachment.name')}.txt"
        message.add_attachment(plant.text("mail.attachment.content"), filename=name)

    def answer(message: email.message.EmailMessage) -> None:
        message["From"] = plant.owner
        message["To"] = sender
        message["Subject"] = f"Re: Offer {plant.text('mail.subject')}"
        message["Message-ID"] = f"<{plant.text('mail.answer_id')}@{plant.text('mail.message_id.domain')}.example>"
        message["In-Reply-To"] = message["References"] = message_id
        message.set_content(f"Thanks {plant.text('mail.answer.snippet')}")

    return [
        {"raw": _message(plant, incoming, 3), "labels": ["INBOX"]},
        {"raw": _message(plant, answer, 2), "labels": ["SENT"]},
    ]


def event(plant: Planting) -> dict[str, Any]:
    """Return a meeting with a guest, a canary in each of its fields."""
    start = plant.now + dt.timedelta(days=2)
    guest = {
        "email": plant.address("event.attendee.address"),
        "displayName": plant.text("event.attendee.name"),
        "responseStatus": "accepted",
    }
    return {
        "summary": f"Review {plant.text('event.summary')}",
        "location": f"Room {plant.text('event.location')}",
        "description": plant.text("event.description"),
        "start": {"dateTime": start.isoformat(timespec="seconds"), "timeZone": "Europe/Berlin"},
        "end": {"dateTime": (start + dt.timedelta(hours=1)).isoformat(timespec="seconds"), "timeZone": "Europe/Berlin"},
        "attendees": [guest, {"email": plant.owner, "self": True, "responseStatus": "accepted"}],
        "organizer": {"email": plant.owner, "self": True},
    }


def contact(plant: Planting) -> dict[str, Any]:
    """Return a contact with a canary in each of its fields."""
    street = plant.text("contact.address")
    return {
        "names": [{"givenName": plant.text("contact.given").title(), "familyName": plant.text("contact.family")}],
        "nicknames": [{"value": plant.text("contact.nickname")}],
        "emailAddresses": [{"value": plant.address("contact.email"), "type": "work"}],
        "phoneNumbers": [{"value": plant.phone(), "type": "mobile"}],
        "organizations": [{"name": plant.text("contact.organisation"), "title": plant.text("contact.title")}],
        "addresses": [{"streetAddress": street, "formattedValue": street}],
        "urls": [{"value": f"https://{plant.text('contact.url')}.example/"}],
        "biographies": [{"value": plant.text("contact.note")}],
    }

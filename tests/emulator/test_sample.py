"""The generated mailbox: always the same, and as varied as its description says."""

from __future__ import annotations

import contextlib
import email
import hashlib
import mailbox
from email import policy
from email.utils import getaddresses
from typing import TYPE_CHECKING

import pytest

from emulator.takeout import sample
from emulator.takeout.calendars_file import read_file
from emulator.takeout.contacts import split_cards
from emulator.takeout.contacts_card import read_card

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("sample")
    sample.write(written)
    return written


@pytest.fixture(scope="module")
def messages(folder: Path) -> list[EmailMessage]:
    (path,) = folder.rglob("*.mbox")
    with contextlib.closing(mailbox.mbox(path)) as box:
        return [email.message_from_bytes(box.get_bytes(key), policy=policy.default) for key in box.keys()]  # noqa: SIM118 -- a mailbox is no dict


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_bytes_are_written_every_time(folder: Path, tmp_path: Path) -> None:
    sample.write(tmp_path)
    assert _digests(tmp_path) == _digests(folder)


def test_there_are_about_600_messages_in_threads(messages: list[EmailMessage]) -> None:
    threads = {message["X-GM-THRID"] for message in messages}
    assert 580 <= len(messages) <= 640
    assert 200 <= len(threads) <= 320
    assert len({message["Message-ID"] for message in messages}) == len(messages)
    assert all(int(thread) > 1 << 59 for thread in threads)


def test_replies_stand_in_the_thread_of_what_they_answer(messages: list[EmailMessage]) -> None:
    thread_of = {message["Message-ID"]: message["X-GM-THRID"] for message in messages}
    replies = [message for message in messages if message["In-Reply-To"]]
    assert len(replies) > 200
    for message in replies:
        assert thread_of[str(message["In-Reply-To"])] == message["X-GM-THRID"]
        assert str(message["References"]).split()[-1] == message["In-Reply-To"]


def test_every_kind_of_mail_is_there(messages: list[EmailMessage]) -> None:
    labels = [set(str(message["X-Gmail-Labels"]).split(",")) for message in messages]
    for label, least in (("Sent", 150), ("Spam", 10), ("Trash", 4), ("Drafts", 4), ("Unread", 10), ("Deals", 80)):
        assert sum(label in found for found in labels) >= least, label
    assert sum(bool(message["List-Unsubscribe"]) for message in messages) > 30
    assert sum(bool(message["Auto-Submitted"]) for message in messages) > 60
    assert sum(message["Return-Path"] == "<>" for message in messages) == 3
    assert sum(message.get_body(("html",)) is not None for message in messages) > 80
    assert sum(any(True for _ in message.iter_attachments()) for message in messages) > 60


def test_nobody_in_it_can_be_real(messages: list[EmailMessage]) -> None:
    for message in messages:
        fields = [str(message[name]) for name in ("From", "To", "Cc") if message[name]]
        for _, address in getaddresses(fields):
            assert address.endswith(".example"), address


def test_no_slot_was_left_open(messages: list[EmailMessage]) -> None:
    for message in messages:
        body = message.get_body(("plain",))
        assert body is not None
        assert "{" not in f"{message['Subject']} {body.get_content()}"


def test_sixty_contacts_can_be_read(folder: Path) -> None:
    (path,) = folder.rglob("*.vcf")
    cards = [read_card(card) for card in split_cards(path.read_bytes())]
    assert len(cards) == 60
    assert any("names" not in card for card in cards)
    assert any(
        "ł" in card["names"][0]["displayName"].lower() or "é" in card["names"][0]["displayName"]
        for card in cards
        if "names" in card
    )


def test_a_hundred_and_twenty_events_of_every_kind_can_be_read(folder: Path) -> None:
    found = [read_file(path.name, path.read_bytes(), sample.OWNER) for path in folder.rglob("*.ics")]
    events = [event for file in found for _, event in file.events]
    assert sum(file.unreadable for file in found) == 0
    assert len(events) == 120
    assert sum("recurrence" in event for event in events) >= 7
    assert sum("recurringEventId" in event for event in events) >= 6
    assert sum(event["status"] == "cancelled" for event in events) == 1
    assert sum(event.get("visibility") == "private" for event in events) >= 8
    assert sum("date" in event["start"] for event in events) >= 8
    assert len({event["start"].get("timeZone") for event in events}) >= 6
    assert sum(len(event.get("attendees", [])) > 1 for event in events) >= 60

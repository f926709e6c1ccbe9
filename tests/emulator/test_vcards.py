"""Cards of all three versions become contacts, and one bad card spoils no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import accounts, people
from emulator.store import Store
from emulator.takeout import contacts
from emulator.takeout.contacts_card import read_card

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def card(*lines: str, charset: str = "utf-8") -> bytes:
    return "\r\n".join(["BEGIN:VCARD", *lines, "END:VCARD", ""]).encode(charset)


def values(resource: dict[str, list[dict[str, str]]], name: str) -> list[str]:
    return [value["value"] for value in resource.get(name, [])]


def test_a_card_of_version_3_keeps_what_google_keeps() -> None:
    found = read_card(
        card(
            "VERSION:3.0",
            "FN:Dr. Ann Lee\\, PhD",
            "N:Lee;Ann;Q.;Dr.;PhD",
            "NICKNAME:Annie",
            "ORG:Client Ltd.;Buying",
            "TITLE:Head",
            "EMAIL;TYPE=INTERNET;TYPE=HOME:ann@home.test",
            "EMAIL;TYPE=WORK,PREF:ann@client.test",
            "item1.TEL:+49 30 1234",
            "item1.X-ABLabel:Boat",
            "TEL;TYPE=WORK;TYPE=FAX:1",
            "ADR;TYPE=WORK:;;Way 1;Leeds;;LS1;UK",
            "URL:http\\://client.test",
            "BDAY:1960-09-10",
            "NOTE:one\\ntwo",
            "CATEGORIES:myContacts",
        )
    )
    (name,) = found["names"]
    assert (name["displayName"], name["givenName"], name["familyName"]) == ("Dr. Ann Lee, PhD", "Ann", "Lee")
    assert [(mail["value"], mail.get("type")) for mail in found["emailAddresses"]] == [
        ("ann@home.test", "home"),
        ("ann@client.test", "work"),
    ]
    assert [bool(mail.get("metadata")) for mail in found["emailAddresses"]] == [False, True]
    assert [(number["value"], number["type"]) for number in found["phoneNumbers"]] == [
        ("+49 30 1234", "Boat"),
        ("1", "workFax"),
    ]
    (firm,) = found["organizations"]
    assert (firm["name"], firm["department"], firm["title"]) == ("Client Ltd.", "Buying", "Head")
    assert found["addresses"][0]["city"] == "Leeds"
    assert values(found, "urls") == ["http://client.test"]
    assert found["birthdays"][0]["date"] == {"year": 1960, "month": 9, "day": 10}
    assert values(found, "biographies") == ["one\ntwo"]


def test_a_card_of_version_2_1_is_read_through_its_encodings() -> None:
    found = read_card(
        card(
            "VERSION:2.1",
            "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=91and=C3=BA;Jos=C3=A9;;;",
            "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Jos=C3=A9 =C3=91and=",
            "=C3=BA",
            "TEL;CELL;PREF:123",
            "EMAIL;PREF;INTERNET:jose@client.test",
            "PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ",
            " SkZJRg==",
            "",
        )
    )
    assert found["names"][0]["displayName"] == "José Ñandú"
    assert found["names"][0]["familyName"] == "Ñandú"
    assert found["phoneNumbers"][0]["type"] == "mobile"


def test_a_card_of_version_4_is_read_too() -> None:
    found = read_card(
        card(
            "VERSION:4.0",
            "FN:Simon Perreault",
            "N:Perreault;Simon;;;ing. jr,M.Sc.",
            "BDAY:--0203",
            'TEL;VALUE=uri;TYPE="work,voice";PREF=1:tel:+1-418-656-9254;ext=102',
            "EMAIL;TYPE=work:simon@client.test",
        )
    )
    assert found["birthdays"][0]["date"] == {"month": 2, "day": 3}
    assert values(found, "phoneNumbers") == ["+1-418-656-9254;ext=102"]


@pytest.mark.parametrize("charset", ["KLINGON-8", "utf-8", "no such"])
def test_an_unknown_charset_is_read_as_best_it_can_be(charset: str) -> None:
    found = read_card(card("VERSION:2.1", f"FN;CHARSET={charset};ENCODING=QUOTED-PRINTABLE:J=C3=B6rg"))
    assert found["names"][0]["displayName"] == "Jörg"


def test_text_that_is_not_utf_8_is_read_as_windows_wrote_it() -> None:
    assert read_card(card("VERSION:3.0", "FN:Jörg", charset="cp1252"))["names"][0]["displayName"] == "Jörg"


def test_a_card_without_a_name_is_a_contact() -> None:
    found = read_card(card("VERSION:2.1", "EMAIL;PREF:john@client.test"))
    assert "names" not in found
    assert values(found, "emailAddresses") == ["john@client.test"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "state")
    yield opened
    opened.close()


def test_every_card_of_a_folder_is_loaded_or_counted_once(store: Store, tmp_path: Path) -> None:
    account = accounts.open_account(store, "maya@example.com")
    same = card("VERSION:3.0", "FN:Ann Lee", "EMAIL:ann@client.test")
    for name, content in (("All", same + card("VERSION:3.0", "FN:Bo") + b"BEGIN:VCARD\nFN:Cut off"), ("Friends", same)):
        path = tmp_path / "Takeout" / "Contacts" / name / f"{name}.vcf"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    assert contacts.load(store, account, tmp_path) == (3, 0)
    assert contacts.load(store, account, tmp_path) == (3, 0)
    assert people.count(store, account) == {"contacts": 3, "planted_contacts": 0}


_LINES = st.sampled_from(
    [
        b"BEGIN:VCARD",
        b"END:VCARD",
        b"VERSION:2.1",
        b"FN:A",
        b"N:;;;;;;;",
        b"N",
        b"EMAIL;;;:x",
        b"TEL;TYPE=:",
        b"\xff\xfe",
        b"=",
        b"NOTE;ENCODING=QUOTED-PRINTABLE:=",
        b"ORG:",
        b"ADR:a",
        b"BDAY:soon",
        b" x",
        b"PHOTO:",
        b":",
        b"item1.X:",
        b"AGENT:",
    ]
)


@given(st.lists(_LINES, max_size=25))
def test_whatever_a_file_holds_no_card_is_lost_and_nothing_is_raised(lines: list[bytes]) -> None:
    cards = list(contacts.split_cards(b"\n".join(lines)))
    assert len(cards) == sum(line.strip() == b"BEGIN:VCARD" for line in lines)
    for content in cards:
        try:
            read_card(content)
        except ValueError:
            continue

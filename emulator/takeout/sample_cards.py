# ruff: noqa: E501 -- prose reads best in one piece
"""The sample's address book: 60 cards of vCard 3.0, as Google writes them."""

from __future__ import annotations

from emulator.takeout.sample_people import FIRMS, FRIENDS, PARTNERS, STRANGERS, TEAM, Firm, Person

CONTACTS = 60
_NICKNAMES = {"Linnea Lindqvist": "Linn", "Tomás Herrera": "Tom", "Łukasz Nowak": "Lucky"}
_BIRTHDAYS = {
    "Linnea Lindqvist": "1991-09-12",
    "Oskar Berg": "--0304",
    "Amara Nwosu": "1988-05-30",
    "Priya Raman": "--1102",
}
_NOTES = {
    "Eleanor Pryce": "Met at Water Week. Likes short mails. Decides together with Darren.",
    "Marcus Delgado": "Seven hours behind us. Never call before 15:00.",
    "Anouk van der Meer": "Lost on budget in October, ask again in the summer.",
    "Misaki Tanaka": "Writes perfect English, apologises for it. Family name first on invitations.",
}
_OLD = (
    ("Ruth", "Olander", "ruth.olander@tegnell-partners.example", "Tegnell & Partners", "Lawyer"),
    ("Ibrahim", "Sesay", "isesay@freetown-water.example", "Freetown Water Works", "Engineer"),
    ("Clara", "Montoya", "clara@montoya-foto.example", "Montoya Foto", "Photographer"),
    ("Per", "Hammar", "per.hammar@gbg-chamber.example", "Gothenburg Chamber of Commerce", "Secretary"),
    ("Wei", "Zhang", "wei.zhang@optics-supply.example", "Suzhou Optics Supply", "Export"),
)


def address_book() -> bytes:
    """All cards, people of the team first."""
    cards = [_card(person) for person in TEAM]
    cards += [_card(person, firm) for firm in FIRMS for person in firm.people]
    cards += [_card(person) for person in (*PARTNERS, *FRIENDS, *STRANGERS[:4])]
    cards += [_card(Person(first, last, email, title, firm)) for first, last, email, firm, title in _OLD]
    # Every address book holds some that are hardly more than a number or an address.
    cards.append(_lines("FN:Harbour taxi", "N:;Harbour taxi;;;", "TEL;TYPE=CELL:+46 31 555 09 99"))
    cards.append(_lines("FN:", "N:;;;;", "EMAIL;TYPE=INTERNET:booking@officekitchen.example"))
    number = 1
    while len(cards) < CONTACTS:
        cards.append(_lines(f"FN:Water Week lead {number}", f"N:lead {number};Water Week;;;", f"EMAIL;TYPE=INTERNET:visitor{number}@water-week-stand.example", "NOTE:Badge scan\\, hall B."))  # fmt: skip
        number += 1
    return "".join(cards[:CONTACTS]).encode()


def _lines(*lines: str) -> str:
    return "\r\n".join(("BEGIN:VCARD", "VERSION:3.0", *lines, "CATEGORIES:myContacts", "END:VCARD", ""))


def _text(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")


def _card(person: Person, firm: Firm | None = None) -> str:
    work = "TYPE=WORK" if person.firm else "TYPE=HOME"
    lines = [
        f"FN:{_text(person.name)}",
        f"N:{_text(person.last)};{_text(person.first)};;;",
        f"EMAIL;TYPE=INTERNET;{work}:{person.email}",
    ]
    if person.phone:
        lines.append(f"TEL;{'TYPE=WORK' if person.firm else 'TYPE=CELL'}:{person.phone}")
    if person.firm:
        lines.append(f"ORG:{_text(person.firm)}")
    if person.title:
        lines.append(f"TITLE:{_text(person.title)}")
    if firm is not None:
        lines += [
            f"ADR;TYPE=WORK:;;;{_text(firm.city)};;;{_text(firm.country)}",
            f"URL;TYPE=WORK:https\\://{firm.domain}",
        ]
    for name, known in (("NICKNAME", _NICKNAMES), ("BDAY", _BIRTHDAYS), ("NOTE", _NOTES)):
        if person.name in known:
            lines.append(f"{name}:{_text(known[person.name])}")
    return _lines(*lines)

"""The conversations of the sample quarter: deals, deliveries, invoices, support, meetings, colleagues, friends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from emulator.takeout.sample_deals import DEAL, DELIVERY, INVOICE, SUBJECTS
from emulator.takeout.sample_files import leaflet, order_sheet, readings
from emulator.takeout.sample_mail import QUARTER_START, Attachment, Mail, Talk, working_time
from emulator.takeout.sample_office import (
    COLD,
    COLD_REPLY,
    FRIENDLY,
    MEETINGS,
    PARTNER_TALKS,
    SITES,
    SUPPORT,
    TEAM_TALKS,
)
from emulator.takeout.sample_people import (
    AOIFE,
    FIRMS,
    FRIENDS,
    JONAS,
    KENJI,
    MAYA,
    PARTNERS,
    PRIYA,
    STRANGERS,
    TOMAS,
    Firm,
    Person,
)

if TYPE_CHECKING:
    import random
    from datetime import datetime

_DAYS = ("Tuesday", "Wednesday", "Thursday", "Friday", "Monday")

# Who writes with Maya in each of the team's conversations, and whether she begins.
TEAM_SPEAKERS = (
    (TOMAS, False),
    (KENJI, True),
    (PRIYA, True),
    (KENJI, False),
    (AOIFE, False),
    (TOMAS, False),
    (TOMAS, False),
    (TOMAS, True),
)

Slots = dict[str, str]


def conversations(rng: random.Random) -> list[Mail]:
    """Every conversation of the quarter, each message with the labels that its owner would see."""
    talks: list[Talk] = []
    for place, firm in enumerate(FIRMS):
        talks += _with_firm(rng, firm, place)
    talks += _among_team(rng)
    talks += _with_partners(rng)
    talks += _from_strangers(rng)
    talks += _among_friends(rng)
    return [mail for talk in talks for mail in talk.mails]


def _slots(rng: random.Random, firm: Firm, them: Person, other: Person) -> Slots:
    total = firm.quantity * firm.price
    return {
        "them": them.first,
        "me": MAYA.first,
        "other": other.first,
        "firm": firm.name,
        "site": firm.site,
        "city": firm.city,
        "product": firm.product,
        "quantity": str(firm.quantity),
        "price": f"{firm.price:,}",
        "total": f"{total:,}",
        "offer": f"{int(total * rng.uniform(0.86, 0.93)):,}",
        "number": f"26-{rng.randrange(1000, 9999)}",
        "day": rng.choice(_DAYS),
    }


def _moment(rng: random.Random, first_week: float, last_week: float) -> datetime:
    days = rng.uniform(first_week, last_week) * 7
    return working_time(rng, QUARTER_START + timedelta(days=days), (0, 9))


def _with_firm(rng: random.Random, firm: Firm, place: int) -> list[Talk]:
    them, other = firm.people[0], firm.people[-1]
    label = f"Customers/{firm.name.split()[0]}"
    talks = [_deal(rng, firm, label)]
    if firm.ending == "won":
        talks += [_delivery(rng, firm, label), _invoice(rng, firm, label)]
    for number in range(1 if place % 3 else 2):
        talks.append(_support(rng, firm, label, place + number * 2))
    for number in range(1 + place % 2):
        subject, turns = MEETINGS[(place + number) % len(MEETINGS)]
        slots = _slots(rng, firm, them, other)
        talk = Talk(rng, subject.format(**slots), _moment(rng, number * 7, number * 7 + 6), (label,))
        _turns(talk, turns, slots, (MAYA, them))
        talks.append(talk)
    return talks


def _deal(rng: random.Random, firm: Firm, label: str) -> Talk:
    them, buyer = firm.people[0], firm.people[-1]
    slots = _slots(rng, firm, them, buyer)
    subject = rng.choice(SUBJECTS["deal"]).format(**slots)
    talk = Talk(
        rng,
        subject[0].upper() + subject[1:],
        _moment(rng, 0, 6) if firm.ending != "open" else _moment(rng, 8, 12),
        (label, "Deals"),
    )
    steps = ["inquiry", "reply", "details", "quote", "negotiate", "concession", firm.ending]
    steps.append({"won": "thanks", "lost": "regret", "open": "patience"}[firm.ending])
    for step in steps:
        ours = step in {"reply", "quote", "concession", "thanks", "regret", "patience"}
        attachment = None
        if step in {"quote", "concession"}:
            attachment = leaflet(
                f"Quote Q-{slots['number']}.pdf",
                f"Quote Q-{slots['number']}: {firm.quantity} x {firm.product} for {firm.name}",
            )
        elif step == "won":
            attachment = order_sheet(slots)
        speaker = MAYA if ours else (buyer if step == "negotiate" else them)
        copied = (PRIYA,) if step in {"reply", "quote"} else (buyer,) if step == "won" and buyer is not them else ()
        to = (them,) if ours else (MAYA,)
        talk.say(speaker, to, rng.choice(DEAL[step]).format(**slots), (3, 120), attachment, copied)
    return talk


def _delivery(rng: random.Random, firm: Firm, label: str) -> Talk:
    them = firm.people[0]
    slots = _slots(rng, firm, them, firm.people[-1])
    talk = Talk(rng, rng.choice(SUBJECTS["delivery"]).format(**slots), _moment(rng, 8, 11.5), (label,))
    for step, speaker, to in (
        ("window", JONAS, (them, MAYA)),
        ("arrived", them, (JONAS, MAYA)),
        ("fixed", JONAS, (them, MAYA)),
        ("running", them, (MAYA, JONAS)),
    ):
        talk.say(speaker, to, rng.choice(DELIVERY[step]).format(**slots), (20, 90))
    return talk


def _invoice(rng: random.Random, firm: Firm, label: str) -> Talk:
    them = firm.people[min(1, len(firm.people) - 1)]
    slots = _slots(rng, firm, them, firm.people[0])
    talk = Talk(rng, rng.choice(SUBJECTS["invoice"]).format(**slots), _moment(rng, 9, 12.5), (label,))
    for step, speaker, to in (("remind", MAYA, them), ("answer", them, MAYA), ("close", MAYA, them)):
        paper = (
            leaflet(f"Invoice {slots['number']}.pdf", f"Invoice {slots['number']} to {firm.name}")
            if step != "answer"
            else None
        )
        talk.say(speaker, (to,), rng.choice(INVOICE[step]).format(**slots), (4, 50), paper)
    return talk


def _support(rng: random.Random, firm: Firm, label: str, place: int) -> Talk:
    subject, turns = SUPPORT[place % len(SUPPORT)]
    them = firm.people[place % len(firm.people)]
    slots = _slots(rng, firm, them, firm.people[0])
    talk = Talk(rng, subject, _moment(rng, 1, 13.3), (label, "Support"))
    for number, turn in enumerate(turns):
        export = readings(rng, firm.product) if "attach" in turn.lower() and number % 2 == 0 else None
        if number % 2 == 0:
            talk.say(them, (MAYA,), turn.format(**slots), (1, 40), export, (JONAS,))
        else:
            speaker = JONAS if number == 1 else MAYA
            talk.say(speaker, (them, MAYA) if speaker is JONAS else (them,), turn.format(**slots), (1, 20))
    return talk


def _turns(
    talk: Talk, turns: tuple[str, ...], slots: Slots, pair: tuple[Person, Person], attachment: Attachment | None = None
) -> None:
    for number, turn in enumerate(turns):
        speaker, hearer = pair[number % 2], pair[(number + 1) % 2]
        talk.say(speaker, (hearer,), turn.format(**slots), (1, 26), attachment if not number else None)


def _among_team(rng: random.Random) -> list[Talk]:
    talks = []
    for number in range(21):
        subject, turns = TEAM_TALKS[number % len(TEAM_TALKS)]
        firm = FIRMS[(number * 3) % len(FIRMS)]
        slots = _slots(rng, firm, firm.people[0], firm.people[-1])
        colleague, ours = TEAM_SPEAKERS[number % len(TEAM_TALKS)]
        title = subject.format(**slots) if "{" in subject else f"{subject}, week {34 + number // 2}"
        talk = Talk(rng, title, _moment(rng, number * 0.62, number * 0.62 + 0.9))
        _turns(talk, turns, slots, (MAYA, colleague) if ours else (colleague, MAYA))
        talks.append(talk)
    return talks


def _with_partners(rng: random.Random) -> list[Talk]:
    talks = []
    for number in range(15):
        subject, turns = PARTNER_TALKS[number % len(PARTNER_TALKS)]
        firm, partner = FIRMS[(number * 5) % len(FIRMS)], PARTNERS[number % len(PARTNERS)]
        slots = _slots(rng, firm, partner, firm.people[-1])
        talk = Talk(rng, subject.format(**slots), _moment(rng, number * 0.8, number * 0.8 + 1), ("Partners",))
        _turns(talk, turns, slots, (MAYA, partner))
        talks.append(talk)
    return talks


def _from_strangers(rng: random.Random) -> list[Talk]:
    talks = []
    for number in range(21):
        stranger = STRANGERS[number % len(STRANGERS)]
        subject, text = COLD[(number + number // len(STRANGERS)) % len(COLD)]
        firm = rng.choice(FIRMS)
        slots = {**_slots(rng, firm, stranger, stranger), "site_guess": SITES[number % len(SITES)]}
        talk = Talk(rng, subject, _moment(rng, number * 0.6, number * 0.6 + 1))
        talk.say(stranger, (MAYA,), text.format(**slots))
        if number % 4:
            answer = rng.choice(COLD_REPLY)
            paper = (
                leaflet("Small kit.pdf", "The small kit: one probe, one cable, no cabinet")
                if "leaflet" in answer
                else None
            )
            talk.say(MAYA, (stranger,), answer.format(**slots), (2, 30), paper)
        talks.append(talk)
    return talks


def _among_friends(rng: random.Random) -> list[Talk]:
    talks = []
    for number in range(8):
        subject, turns = FRIENDLY[number % len(FRIENDLY)]
        friend = FRIENDS[number % len(FRIENDS)]
        talk = Talk(rng, subject, _moment(rng, number * 1.6, number * 1.6 + 1), ("Private",))
        _turns(talk, turns, {}, (friend, MAYA))
        talks.append(talk)
    return talks

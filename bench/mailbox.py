"""A mailbox for benchmarks: a Takeout folder of any size, the same every time; threads, lists and robots among it."""

import datetime as dt
import email.message
import email.utils
import random
from pathlib import Path

OWNER = "bench@sales.example"
_BEGIN = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)
_WORDS = ("offer", "order", "budget", "pilot", "contract", "review", "delivery", "invoice", "renewal", "launch")
_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ida", "Jon", "Kim", "Lea", "Max", "Nora")


def write(folder: Path, count: int) -> Path:
    """Leave a Takeout folder with that many messages and return it."""
    chance = random.Random(20_260_105)  # noqa: S311 -- no secret, and the same mailbox every time
    path = folder / "Takeout" / "Mail" / "All mail Including Spam and Trash.mbox"
    path.parent.mkdir(parents=True)
    with path.open("wb") as mbox:
        last: dict[str, str] = {}
        for number in range(count):
            made = _message(chance, number, last)
            mbox.write(f"From {number}@xxx {_BEGIN:%a %b %d %H:%M:%S +0000 %Y}\n".encode())
            mbox.write(made.as_bytes().replace(b"\nFrom ", b"\n>From ") + b"\n\n")
    return folder


def person_of(who: int) -> tuple[str, str]:
    """Return the name and address of one of the people in the mailbox, the same every time."""
    name = _NAMES[who % len(_NAMES)]
    return f"{name} Ltd {who}", f"{name.lower()}{who}@customer{who % 90}.example"


def arriving(who: int) -> bytes:
    """Return one more message from a person of the mailbox."""
    made = email.message.EmailMessage()
    made["From"], made["To"] = email.utils.formataddr(person_of(who)), OWNER
    made["Subject"], made["Message-ID"] = "One thing more", "<arriving@bench.example>"
    made.set_content("Hello")
    return made.as_bytes()


def _message(chance: random.Random, number: int, last: dict[str, str]) -> email.message.EmailMessage:
    """Return a message; about half answer an earlier one, every seventh is from a list."""
    who = chance.randrange(400)
    name, person = person_of(who)
    topic = f"{chance.choice(_WORDS)} {who}"
    made = email.message.EmailMessage()
    sent = chance.random() < 0.35  # noqa: PLR2004 -- the share that the owner wrote
    made["From"], made["To"] = (OWNER, person) if sent else (f"{name} <{person}>", OWNER)
    made["Date"] = email.utils.format_datetime(_BEGIN + dt.timedelta(minutes=7 * number))
    made["Message-ID"] = f"<{number}@bench.example>"
    if topic in last:
        made["Subject"] = f"Re: {topic}"
        made["In-Reply-To"] = made["References"] = last[topic]
    else:
        made["Subject"] = topic
    last[topic] = str(made["Message-ID"])
    if number % 7 == 3:  # noqa: PLR2004 -- newsletters
        made["List-Unsubscribe"] = "<mailto:leave@lists.example>"
        made["List-Id"] = "News <news.lists.example>"
    made["X-Gmail-Labels"] = "Sent" if sent else "Inbox,Unread"
    made.set_content(" ".join(chance.choices(_WORDS, k=chance.randrange(20, 400))))
    return made

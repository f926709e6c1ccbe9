"""Laundering, measured: how much of what is copied out of real mail is found, and how much else is taken for it.

The mail is that of a Takeout folder. Half of its conversations make the mailbox. Passages are cut from its mails, from
their first lines or from anywhere, changed as copying and typing change them, and set into a note; the other half of
the conversations, and notes such as sales people write, are what has nothing to do with the mailbox. Of the other half
those are counted apart that share eight words in a row with the mailbox after all: a stock phrase, a quoted manual.
"""

import email
import email.message
import email.policy
import json
import mailbox as mailboxes
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import stack
from bench.figures import Figure

PER_KIND = 300
FIRST = 200
"""Characters of a mail that Gmail gives as its snippet."""
LENGTH = 20
LONG = 40
SHORT = 8
_PREFIX = re.compile(r"^(?:\s*(?:re|fwd?|aw|antw)\s*:|\s*\[[^\]]*\])*\s*", re.IGNORECASE)
_QUOTE = re.compile(r"^\s*(?:>|On .* wrote:$|.* wrote:$|.* schrieb:?$)")
_OPENERS = (
    "Talked to them on the phone.",
    "Met at the fair in the spring.",
    "Wants to hear from us again after the holidays.",
    "Decides together with the head of finance.",
)
_PARTS = (
    ("Called {who} about the {what};", "{who} asked for a new {what};", "Sent {who} the {what} we agreed on;"),
    ("budget is set for the {when},", "the decision falls in the {when},", "they want to start in the {when},"),
    ("prefers mail to the phone.", "thank you for your help is what they said.", "please let me know if that changes."),
)
_WHO = ("Ann", "the buyer", "their lawyer", "Mr Ode", "the new manager", "Kim")
_WHAT = ("offer", "contract", "price list", "pilot", "delivery date", "training plan")
_WHEN = ("first quarter", "summer", "autumn", "week after Easter", "new year", "month of May")

Change = Callable[[random.Random, list[str]], str]


def measure(folder: Path | None) -> Iterator[Figure]:
    """Measure recall and false alarms on the mail of a Takeout folder; without one there is nothing to measure."""
    if folder is None:
        print("  needs real mail: make bench NAME=laundering TAKEOUT=dir", flush=True)
        return
    mails, others = _halves(_read(folder))
    chance = random.Random(20_261_123)  # noqa: S311 -- no secret, and the same sample every time
    asked = _asked(chance, mails, others)
    with tempfile.TemporaryDirectory(prefix="crmio-bench-") as place, stack.running() as product:
        corpus = Path(place) / "corpus.json"
        corpus.write_text(json.dumps({"mails": mails, "asked": asked}))
        told = product.command("measure", "laundering", "--corpus", str(corpus))
    yield from _figures(told)


def _figures(told: dict[str, Any]) -> Iterator[Figure]:
    print(
        f"  {told['mails']:,} mails. Found: by subjects and first lines alone / with the texts of mails read",
        flush=True,
    )
    for kind, count in told["texts"].items():
        if count:
            heads, bodies = (100 * told[part][kind] / count for part in ("heads", "bodies"))
            print(f"  {kind:<66} {count:>5,} texts {heads:>6.1f} % / {bodies:>5.1f} %", flush=True)
    exact = [kind for kind in told["texts"] if kind.startswith("any:") and "dropped" not in kind]
    whole = sum(told["bodies"][kind] for kind in exact) / max(1, sum(told["texts"][kind] for kind in exact))
    notes = told["bodies"]["unrelated: notes"] / max(1, told["texts"]["unrelated: notes"])
    yield Figure("unaltered passages found, texts read", whole * 100, "%")
    yield Figure("notes with nothing copied, taken for copies", notes * 100, "%")
    yield Figure("CPU to print a mail's head", told["print_head_cpu_us"], "µs")
    yield Figure("CPU to print a mail's text", told["print_body_cpu_us"], "µs")
    yield Figure("time to check one text", told["check_ms"], "ms")
    yield Figure("bytes kept for a mail, index included, texts read", told["bytes_per_mail"], "B")


def _read(folder: Path) -> list[dict[str, str]]:
    """Return every mail of the folder that has a text."""
    found = []
    for path in sorted(folder.rglob("*.mbox")):
        for raw in mailboxes.mbox(path, create=False):
            try:
                mail = email.message_from_bytes(raw.as_bytes(), policy=email.policy.default)
                part = mail.get_body(("plain",))
                text, subject = (str(part.get_content()) if part else ""), str(mail["subject"] or "")
            except (LookupError, ValueError, KeyError, AttributeError, TypeError):  # broken on purpose, some of them
                continue
            if text.strip():
                first = " ".join(text.split())[:FIRST]
                found.append(
                    {"thread": _PREFIX.sub("", subject).lower(), "subject": subject, "first": first, "body": text}
                )
    return found


def _halves(mails: list[dict[str, str]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the mails of every other conversation, and the others."""
    threads = {thread: number for number, thread in enumerate(dict.fromkeys(mail["thread"] for mail in mails))}
    here = [mail for mail in mails if threads[mail["thread"]] % 2 == 0]
    return here, [mail for mail in mails if threads[mail["thread"]] % 2]


def _asked(chance: random.Random, mails: list[dict[str, str]], others: list[dict[str, str]]) -> dict[str, list[str]]:
    asked: dict[str, list[str]] = {}
    firsts = [_words(mail["first"])[:-1] for mail in mails]  # the last one is cut off
    texts = [_own_words(mail["body"]) for mail in mails]
    for where, sources in (("first line", firsts), ("any", texts)):
        for name, length, change in _CHANGES:
            usable = [words for words in sources if len(words) >= length]
            taken = [_cut(chance, chance.choice(usable), length) for _ in range(PER_KIND)] if usable else []
            asked[f"{where}: {length} words, {name}"] = [_in_note(chance, change(chance, words)) for words in taken]
    strangers = [words for mail in others if len(words := _own_words(mail["body"])) >= LENGTH]
    cut = [" ".join(_cut(chance, chance.choice(strangers), LENGTH)) for _ in range(5 * PER_KIND if strangers else 0)]
    known = {row for mail in mails for text in mail.values() for row in _rows(text)}
    for name, shares in (("that share eight words in a row", True), ("that share no eight", False)):
        kind = f"unrelated: 20 words of other mails, {name}"
        asked[kind] = [text for text in cut if known.isdisjoint(_rows(text)) is not shares]
    asked["unrelated: notes"] = [_note(chance) for _ in range(5 * PER_KIND)]
    return asked


def _own_words(text: str) -> list[str]:
    """Return the longest stretch that the sender wrote without a quotation in between, and without the signature."""
    parts: list[list[str]] = [[]]
    for line in text.split("\n-- \n", 1)[0].splitlines():
        if _QUOTE.match(line):
            parts.append([])
        else:
            parts[-1] += _words(line)
    return max(parts, key=len)


def _words(text: str) -> list[str]:
    """Return the words, punctuation hanging on, marks that stand alone left out."""
    return [word for word in text.split() if any(letter.isalnum() for letter in word)]


def _rows(text: str) -> set[tuple[str, ...]]:
    """Return each row of eight words: what the product promises to find."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return {tuple(words[at : at + SHORT]) for at in range(len(words) - SHORT + 1)}


def _cut(chance: random.Random, words: list[str], length: int) -> list[str]:
    at = chance.randrange(len(words) - length + 1)
    return words[at : at + length]


def _in_note(chance: random.Random, passage: str) -> str:
    return f"{chance.choice(_OPENERS)}\n{passage}\n{chance.choice(_OPENERS)}"


def _note(chance: random.Random) -> str:
    sentence = " ".join(chance.choice(part) for part in _PARTS)
    return sentence.format(who=chance.choice(_WHO), what=chance.choice(_WHAT), when=chance.choice(_WHEN))


def _wrapped(words: list[str], width: int, mark: str) -> str:
    return "\n".join(mark + " ".join(words[at : at + width]) for at in range(0, len(words), width))


def _dropped(chance: random.Random, words: list[str], share: float) -> str:
    return " ".join(word for word in words if chance.random() >= share)


_CHANGES: tuple[tuple[str, int, Change], ...] = (
    ("as it was", SHORT, lambda _, words: " ".join(words)),
    ("as it was", LENGTH, lambda _, words: " ".join(words)),
    ("quoted", LENGTH, lambda _, words: _wrapped(words, 6, "> ")),
    ("re-wrapped as a list", LENGTH, lambda _, words: _wrapped(words, 4, "  - ")),
    ("in capitals", LENGTH, lambda _, words: " ".join(words).upper()),
    ("1 of 10 dropped", LENGTH, lambda chance, words: _dropped(chance, words, 0.1)),
    ("1 of 10 dropped", LONG, lambda chance, words: _dropped(chance, words, 0.1)),
    ("1 of 5 dropped", LENGTH, lambda chance, words: _dropped(chance, words, 0.2)),
    ("1 of 5 dropped", LONG, lambda chance, words: _dropped(chance, words, 0.2)),
)

"""The main job in its order: sign in, connect, sync, follow, card, AI export, hunt, log, disconnect."""

import datetime as dt
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from demo import acts, canaries, channels, hunt, proof
from demo.browser import Browser, DriveError
from demo.google import LocalGoogle
from demo.stack import Stack
from demo.story import Story

FEATURES = ("gmail", "calendar", "contacts")
KINDS = {"mail", "calendar", "contacts"}
PERSON = re.compile(r"/people/[0-9a-f-]{36}$")


@dataclass
class Journey:
    """One run of the story over one running product."""

    stack: Stack
    story: Story
    owner: str = ""
    teammate: str = ""
    incoming: str = ""
    exported: bytes = b""
    canary_page: str = ""
    control: str = field(default_factory=hunt.fresh)
    planting: canaries.Planting = field(init=False)

    def __post_init__(self) -> None:
        """Ask the local Google whose mailbox it is, and open a browser for each of two people."""
        self.google = LocalGoogle(self.stack.google)
        counts = self.google.counts()
        self.owner = str(counts["account"]["email"])
        others = [account["email"] for account in counts["accounts"] if account["email"] != self.owner]
        self.teammate = str(others[0])
        self.planting = canaries.Planting(self.owner, dt.datetime.now(dt.UTC))  # noqa: TID251 -- a driver's own time
        self.browser = Browser(self.stack.url)
        self.second = Browser(self.stack.url)

    def run(self) -> None:
        """Tell the whole story."""
        self.plant()
        self.connect()
        self.follow()
        self.card()
        self.ai_export()
        self.hunt()
        with self.story.step("Verify the log from outside the process"):
            proof.verify_log(self.stack, self.story)
        with self.story.step("Disconnect and delete, and try to read what is left"):
            proof.end_and_try(self.stack, self.story, self.browser, self.owner, self.watched())

    def plant(self) -> None:
        """Put canaries beside the mailbox, one in every kind of field."""
        with self.story.step(f"A mailbox at the local Google: {self.owner}"):
            for message in canaries.messages(self.planting):
                message_id = self.google.add_message(self.owner, message, planted=True)
                self.incoming = self.incoming or message_id
            self.google.add_event(self.owner, canaries.event(self.planting), planted=True)
            self.google.add_contact(self.owner, canaries.contact(self.planting), planted=True)
            counts = self.google.counts()
            held = counts["google"]
            self.story.tell(f"{held['messages']:,} messages, {held['events']:,} events, {held['contacts']:,} contacts")
            self.story.tell(f"and {len(self.planting.texts)} canaries, one in every kind of field, to be hunted later")
            for part in ("google", "unreadable", "planted"):
                self.story.measured(part, **counts[part])

    def connect(self) -> None:
        """Sign in, connect all three, and wait for the first sync; count everything."""
        with self.story.step("Sign in with Google; connect Gmail, Calendar and Contacts, one at a time"):
            page = acts.sign_in(self.browser, self.owner)
            self.story.check(page.status == requests.codes.ok, "signed in; nothing but identity was asked")
            self.google.clear_requests()
            cpu, begun = self.stack.worker_cpu_s(), time.monotonic()
            for feature in FEATURES:
                acts.connect(self.browser, feature, self.owner)
        with self.story.step("The first sync"):
            counts = acts.wait_until_in_step(self.browser, KINDS)
            self._measure_sync(time.monotonic() - begun, self.stack.worker_cpu_s() - cpu, counts)
            self._account_for_everything(counts)

    def _measure_sync(self, seconds: float, cpu: float, counts: dict[str, Any]) -> None:
        calls = self.google.requests()
        units = sum(int(call.get("units") or 0) for call in calls)
        self.story.measured(
            "sync",
            seconds=round(seconds, 2),
            cpu_seconds=round(cpu, 2),
            requests=len(calls),
            quota_units=units,
            quota_per_minute=int(self.google.counts()["quota_per_minute"]),
            retried=int(counts["retried"]),
        )
        self.story.tell(f"{len(calls):,} calls of Google for {units:,} quota units in {seconds:.1f} s")

    def _account_for_everything(self, counts: dict[str, Any]) -> None:
        self.story.measured("crm", **counts["crm"])
        self.story.measured("skipped", **counts["skipped"])
        summary = self.story.summary
        for kind in ("messages", "events", "contacts"):
            there = summary["google"][kind] + summary["planted"][kind]
            left_out = sum(counts["skipped"][kind].values())
            here = counts["crm"][kind]
            self.story.check(
                there == here + left_out, f"{kind}: {there:,} at Google = {here:,} stored + {left_out:,} left out"
            )
        self.story.tell(f"{counts['crm']['people']:,} people at {counts['crm']['companies']:,} companies were made")

    def follow(self) -> None:
        """Change things at Google and see the CRM follow."""
        with self.story.step("Change things at Google and sync again"):
            before = self.story.summary["crm"]
            later = canaries.Planting(self.owner, self.planting.now, self.planting.texts)
            extra = canaries.messages(later)[0]
            message_id = self.google.add_message(self.owner, extra, planted=True)
            acts.sync_until(self.browser, {"messages": before["messages"] + 1})
            self.story.check(holds=True, claim="a new message arrived")
            self.google.delete_message(self.owner, message_id)
            acts.sync_until(self.browser, {"messages": before["messages"]})
            self.story.check(holds=True, claim="deleted at Google, it is gone here too")
            name = self.planting.texts["mail.from.name"]
            page = self.browser.get(f"/search?q={name[:6]}")
            self.story.check(name in page.text.lower(), "its sender is found by the beginning of the name")

    def card(self) -> None:
        """Open the sidebar at a message."""
        with self.story.step("Open a message in Gmail, with the sidebar beside it"):
            card = acts.open_card(self.stack, self.owner, self.incoming)
            self.story.measured("card", valid=bool(card["valid"]), ms=round(float(card["ms"]), 1))
            self.story.check(bool(card["valid"]), f"the card holds to Google's schema, in {card['ms']:.1f} ms")
            known = self.planting.texts["mail.from.name"] in json.dumps(card["response"]).lower()
            self.story.check(known, "and shows who wrote")

    def ai_export(self) -> None:
        """Write native controls, allow AI tools, and export to one."""
        with self.story.step("A second member, notes of our own, and an export to an AI tool"):
            acts.invite(self.browser, self.teammate)
            acts.sign_in(self.second, self.teammate)
            for form in hunt.forms(self.control).values():
                acts.create_person(self.browser, form)
                acts.register_destination(self.browser, form, "api")
            acts.add_to_crm(self.browser, self.watched()[0], f"A note of our own {hunt.fresh()}")
            acts.register_destination(self.browser, "Assistant", "ai_tool")
            acts.register_destination(self.browser, "Reports", "api")
            ai = acts.make_token(self.browser, "assistant", "Assistant")
            refused = self._export(ai)
            self.story.check(refused.status_code == requests.codes.forbidden, "before an admin allows it: refused")
            acts.allow_ai(self.browser)
            answer = self._export(ai)
            self._judge_export(answer)
            self.exported = answer.content

    def _export(self, secret: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {secret}"}
        return requests.get(f"{self.stack.url}/api/v1/ai/people.jsonl", headers=headers, timeout=120)

    def _judge_export(self, answer: requests.Response) -> None:
        self.story.check(answer.ok, "once allowed: people whom users made or touched")
        records = [json.loads(line) for line in answer.content.splitlines() if line.strip()]
        released = withheld = 0
        for value in (leaf for record in records for leaf in _leaves(record)):
            if isinstance(value, dict):
                withheld += 1
            else:
                released += 1
        self.story.tell(f"{len(records)} people, {released} fields released, {withheld} withheld, each saying so")
        self.story.check(withheld > 0, "what Google gave is withheld by name of its source")
        self.story.measured("ai_export", records=len(records), released_fields=released, withheld_fields=withheld)

    def hunt(self) -> None:
        """Search every place where data can rest or leave for every canary in every form."""
        with self.story.step("Hunt for the canaries in every place where data can rest or leave"):
            logged = hunt.written_out(self.control)
            with self.stack.output.open("a") as printed:
                printed.write(logged + "\n")
            texts = self.planting.texts
            places = {
                "ai_export": [self.exported],
                "teammate_pages": channels.crawl(self.second, self._pages()),
                "teammate_api": channels.api_answers(self.stack.url, self._teammate_token(), texts),
                "database_copy": channels.database(self.stack, "DATABASE_URL", self.control),
                "keys_copy": channels.database(self.stack, "KEYS_DATABASE_URL", self.control),
                "redis_dump": channels.redis_dump(self.stack, self.control),
                "log_files": channels.files(self.stack.logs, self.control),
                "stdout": [self.stack.output.read_bytes()],
            }
            self._search(places)

    def _teammate_token(self) -> str:
        """Return the secret of a token that acts for the second member."""
        return acts.make_token(self.second, "my reports", "Reports")

    def _pages(self) -> list[str]:
        texts = self.planting.texts
        searches = [f"/search?q={texts[name][:8]}" for name in ("mail.from.name", "contact.family", "contact.email")]
        return ["/", "/people", "/companies", "/tasks", self.watched()[0], *searches]

    def _search(self, places: dict[str, Any]) -> None:
        found: list[hunt.Find] = []
        controls = 0
        for channel, contents in places.items():
            pieces = list(contents)
            leaks = hunt.search(channel, pieces, self.planting.texts)
            seen = {find.form for find in hunt.search(channel, pieces, {"control": self.control})}
            controls += len(seen)
            found += leaks
            total = len(hunt.forms(self.control))
            self.story.check(
                not leaks and len(seen) == total,
                f"{channel}: {sum(map(len, pieces)):,} bytes, {len(leaks)} canaries, {len(seen)} of {total} controls",
            )
            for leak in leaks[:5]:
                self.story.tell(f"LEAK {leak.planted} as {leak.form}")
        self.story.measured(
            "leaks",
            channels=len(places),
            canaries=len(self.planting.texts),
            found=len(found),
            controls_planted=len(places) * len(hunt.forms(self.control)),
            controls_found=controls,
        )

    def watched(self) -> tuple[str, str]:
        """Return the path of the canary person's page and the text by which its content is known."""
        name = self.planting.texts["mail.from.name"]
        if not self.canary_page:
            page = self.browser.get(f"/search?q={name[:8]}")
            self.canary_page = next((href for href, _ in page.links if PERSON.match(href)), "")
        if not self.canary_page:
            msg = "the canary's sender was not found"
            raise DriveError(msg)
        return self.canary_page, name


def _leaves(record: Any) -> list[Any]:
    """Return the values of a record: bare values, and the marks of what was withheld."""
    if isinstance(record, dict):
        if "withheld" in record:
            return [record]
        return [leaf for branch in record.values() for leaf in _leaves(branch)]
    if isinstance(record, list):
        return [leaf for branch in record for leaf in _leaves(branch)]
    return [] if record is None else [record]

"""A member, their browser, their Google and a worker in one process: time stands for nobody, so nobody waits."""

import base64
import re
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from sqlalchemy import select, update

from emulator.server import Running
from kernel.jobs import kinds
from kernel.jobs.attempt import execute_on
from kernel.jobs.runs import DUE, Run, due_runs
from kernel.runtime import Runtime
from sync.models import Collection, CollectionState
from tests.signing_in import Person

FEATURES = ("gmail", "calendar", "contacts")


@dataclass
class World:
    """All that takes part in a journey."""

    runtime: Runtime
    google: Running
    person: Person

    def control(self, verb: str, path: str, **body: Any) -> Any:
        """Play the user's other devices, or the weather, at Google."""
        sent = body if verb in {"POST", "PATCH"} else None
        answer = requests.request(verb, f"{self.google.url}/_control/{path}", json=sent, timeout=10)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def fault(self, method: str, name: str, **options: Any) -> None:
        self.control("POST", "faults", method=method, fault=name, **options)

    def unused_faults(self) -> list[Any]:
        unused: list[Any] = self.control("GET", "faults")["unused"]
        return unused

    def arrive(self, raw: bytes, **more: Any) -> str:
        """A message comes in; return its id."""
        return str(self.control("POST", "messages", raw=base64.urlsafe_b64encode(raw).decode(), **more)["id"])

    def connect(self, *features: str) -> None:
        """The owner signs in and allows these products."""
        self.person.sign_in()
        for feature in features or FEATURES:
            assert self.person.connect(feature).status_code == 303

    def follow(self) -> dict[str, Any]:
        """The owner chooses Sync now; return the counts once all is in step."""
        assert self.person.post("/connections/sync", page="/connections").status_code == 303
        return self.settle()

    def settle(self, rounds: int = 60) -> dict[str, Any]:
        """Work as a worker would, without waiting, until everything is in step; return the counts."""
        for _ in range(rounds):
            self.work()
            with self.runtime.sessions() as session:
                rows = session.scalars(select(Collection)).all()
                failed = session.scalars(select(Run.last_error).where(Run.last_error.is_not(None))).all()
            unknown = [code for code in failed if not code.startswith(("google_", "oauth_"))]
            assert unknown == [], "a run met what it does not understand"
            live = [row for row in rows if row.state != CollectionState.STOPPED]
            if all(row.state == CollectionState.CURRENT and not row.failures for row in live):
                return self.counts()
            self._hurry([row.id for row in live if row.state != CollectionState.CURRENT or row.failures])
        pytest.fail(f"the sync does not come to an end: {self.trouble()}")

    def work(self, most: int = 300) -> None:
        """Do all that is due, but what is only scheduled."""
        for _ in range(most):
            with self.runtime.sessions() as session:
                due = [
                    run
                    for run, free_at in due_runs(session, self.runtime.clock.now(), 100)
                    if free_at <= self.runtime.clock.now() and kinds.period_of(run.kind) is None
                ]
            if not due:
                return
            for run in due:
                execute_on(self.runtime, run.id, run.lease)
        pytest.fail("the work does not come to an end")

    def trouble(self) -> dict[str, str | None]:
        """Return the collections' errors, by kind."""
        with self.runtime.sessions() as session:
            return {row.kind: row.error_code for row in session.scalars(select(Collection)) if row.error_code}

    def states(self) -> dict[str, str]:
        with self.runtime.sessions() as session:
            return {row.kind: str(row.state) for row in session.scalars(select(Collection))}

    def counts(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.person.get("/connections/counts").get_json()
        return answer

    def adds_up(self) -> dict[str, int]:
        """Google's counts are ours and what was left out; return what is held."""
        census, counts = self.control("GET", "counts"), self.counts()
        for kind in ("messages", "events", "contacts"):
            there = census["google"][kind] + census["planted"][kind]
            assert there == counts["crm"][kind] + sum(counts["skipped"][kind].values()), kind
        held: dict[str, int] = counts["crm"]
        return held

    def finds(self, text: str) -> list[str]:
        """Return the paths of the people that a search for the text shows."""
        page = self.person.get(f"/search?q={text}")
        assert page.status_code == 200
        return list(dict.fromkeys(re.findall(r'href="(/people/[0-9a-f-]{36})"', page.text)))

    def reads(self, path: str) -> str:
        """Return what a page says, without its marks."""
        page = self.person.get(path)
        assert page.status_code == 200
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))

    def _hurry(self, subjects: list[Any]) -> None:
        """What waits for a while need not wait here."""
        with self.runtime.begin() as work:
            due_now = update(Run).where(Run.state == DUE, Run.subject_id.in_(subjects))
            work.session.execute(due_now.values(due_at=self.runtime.clock.now()))

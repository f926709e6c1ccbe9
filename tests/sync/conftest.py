"""A member whose Google is the emulator: connected, and driven run by run as a worker would."""

import base64
import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import requests
from sqlalchemy import func, select, text, update

from accounts.members import Viewer
from accounts.models import Grant, GrantStatus, Member, Organisation, Role, Sharing
from crm.models import Message
from emulator import accounts as google_accounts
from emulator.config import Config
from emulator.oauth import tokens
from emulator.server import Running, running
from kernel.jobs import attempt
from kernel.jobs.runs import Run
from kernel.runtime import Runtime, build
from kernel.settings import GoogleEndpoints, Settings
from limited_use.keys import vault
from oauth import custody
from oauth.scopes import FEATURES
from sync import collections, progress
from sync import jobs as _jobs  # noqa: F401 -- registers the handlers
from sync.models import Collection, Skip

OWNER = "maya@example.com"
MARK = "From x Thu Nov 19 10:00:00 +0000 2026"


def _letter(number: int, text: str = "Hello", **fields: str) -> bytes:
    """Return a message; fields with underscores are headers, `sender` and `to` the usual ones."""
    day, hour = 1 + number % 27, number // 27 % 24
    head = {
        "From": fields.pop("sender", "Ann Lee <ann@client.example>"),
        "To": fields.pop("to", f"Maya <{OWNER}>"),
        "Subject": fields.pop("subject", f"Subject {number}"),
        "Message-ID": f"<m{number}@client.example>",
        "Date": f"{day:02d} Oct 2026 {hour:02d}:00:00 +0000",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = [f"{name}: {value}" for name, value in head.items()]
    return ("\n".join(lines) + "\n\n" + text + "\n").encode()


@pytest.fixture
def letter() -> Callable[..., bytes]:
    """Return the maker of messages."""
    return _letter


@dataclass
class Google:
    """The emulator, seen from its control side."""

    running: Running
    client_id: str

    def control(self, verb: str, path: str, **body: Any) -> Any:
        sent = body if verb in {"POST", "PATCH"} else None
        answer = requests.request(verb, f"{self.running.url}/_control/{path}", json=sent, timeout=10)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def fault(self, method: str, name: str, **options: Any) -> None:
        self.control("POST", "faults", method=method, fault=name, **options)

    def arrive(self, raw: bytes, **options: Any) -> dict[str, str]:
        coded = base64.urlsafe_b64encode(raw).decode()
        answer: dict[str, str] = self.control("POST", "messages", raw=coded, **options)
        return answer

    def unused_faults(self) -> Any:
        return self.control("GET", "faults")

    def token(self, *scopes: str) -> str:
        state = self.running.state
        account = google_accounts.owner(state.store)
        with state.store.write() as db:
            return tokens.issue_access(state, db, tokens.Granted(account.sub, self.client_id, scopes))

    def refresh_token(self, *scopes: str) -> str:
        state = self.running.state
        account = google_accounts.owner(state.store)
        with state.store.write() as db:
            return tokens.issue_refresh(state, db, tokens.Granted(account.sub, self.client_id, scopes))


class Desk:
    """A member with a grant, and the hands of a worker."""

    def __init__(self, runtime: Runtime, google: Google) -> None:
        address = google.control("GET", "counts")["account"]["email"]
        self.runtime = runtime
        self.google = google
        now = runtime.clock.now()
        with runtime.begin() as work:
            organisation = Organisation(name="Example", created_at=now)
            work.session.add(organisation)
            work.session.flush()
            member = Member(
                organisation_id=organisation.id,
                google_sub=str(uuid.uuid4()),
                email=address,
                name="Maya",
                role=Role.OWNER,
                created_at=now,
            )
            work.session.add(member)
            work.session.flush()
            self.organisation_id, self.member_id = organisation.id, member.id
        keys = vault(runtime)
        keys.create_organisation(self.organisation_id)
        with runtime.begin() as work:
            grant = Grant(
                organisation_id=self.organisation_id,
                member_id=self.member_id,
                google_sub=member.google_sub,
                email=address,
                status=GrantStatus.ACTIVE,
                sharing=Sharing.ONLY_ME,
                scopes=list(FEATURES.values()),
                created_at=now,
            )
            work.session.add(grant)
        keys.create_grant(self.organisation_id, grant.id)
        self.grant_id = grant.id
        self.viewer = Viewer(self.organisation_id, self.member_id, Role.OWNER)
        with runtime.begin() as work:
            token = google.refresh_token(*FEATURES.values())
            custody.keep(work.session, keys, work.session.get(Grant, grant.id), token, now)

    def connect(self, feature: str) -> uuid.UUID:
        """Open a feature; return its first collection."""
        with self.runtime.begin() as work:
            grant = work.session.get(Grant, self.grant_id)
            return collections.open_for(work.session, grant, feature)[0].id

    def step(self) -> str | None:
        """Do the run that is due longest, as a worker would; return its kind."""
        with self.runtime.sessions() as session:
            now = self.runtime.clock.now()
            due = session.scalars(
                select(Run).where(Run.state == "due", Run.due_at <= now, Run.kind.like("sync.%")).order_by(Run.due_at)
            ).first()
        if due is None:
            return None
        assert attempt.execute_on(self.runtime, due.id, due.lease)
        return due.kind

    def work(self, most: int = 200) -> int:
        """Do all that is due; return how many runs that were."""
        for number in range(most):
            if self.step() is None:
                return number
        pytest.fail("the work does not come to an end")

    def again(self) -> None:
        """Make every open run due, and do it: the next poll."""
        with self.runtime.begin() as work:
            for row in work.session.scalars(select(Collection)):
                if row.state != "stopped":
                    work.later(collections.job_of(row.kind), row.id)
        self.work()

    def revive(self) -> None:
        """The worker died: its leases run out."""
        with self.runtime.begin() as work:
            work.session.execute(update(Run).values(leased_until=None, due_at=self.runtime.clock.now()))

    def start_over(self, collection_id: uuid.UUID) -> None:
        """Everything of the collection is forgotten: an undisturbed run comes next."""
        with self.runtime.begin() as work:
            for table in ("participations", "messages", "facts", "correspondents", "skips", "people", "companies"):
                work.session.execute(text(f"DELETE FROM {table}"))  # noqa: S608 -- names above
            row = work.session.get(Collection, collection_id)
            row.cursor = row.pin = row.page_token = row.listed_at = None
            row.generation = row.found = row.stored = row.removed = 0
            work.later("sync.mail", collection_id)

    def stranger(self) -> Viewer:
        """Return another member of the same organisation."""
        with self.runtime.begin() as work:
            member = Member(
                organisation_id=self.organisation_id,
                google_sub="other",
                email="other@example.com",
                name="Other",
                role=Role.ADMIN,
                created_at=self.runtime.clock.now(),
            )
            work.session.add(member)
        return Viewer(self.organisation_id, member.id, Role.ADMIN)

    def progress(self, kind: str = "mail") -> progress.Progress | None:
        with self.runtime.sessions() as session:
            rows = session.scalars(select(Collection).where(Collection.kind == kind)).all()
            return progress.of_collections(rows, self.runtime.clock.now())

    def row(self, kind: str = "mail") -> Collection:
        with self.runtime.sessions() as session:
            return session.scalars(select(Collection).where(Collection.kind == kind)).one()

    def error_of(self, kind: str = "sync.mail") -> str | None:
        with self.runtime.sessions() as session:
            return session.scalars(select(Run).where(Run.kind == kind)).one().last_error

    def count(self, table: Any, *where: Any) -> int:
        with self.runtime.sessions() as session:
            return session.scalar(select(func.count()).select_from(table).where(*where))

    def checks(self) -> None:
        """The counts are what the rows say."""
        with self.runtime.sessions() as session:
            for row in session.scalars(select(Collection)):
                if row.kind == "mail":
                    assert row.stored == session.scalar(select(func.count()).select_from(Message))
                if row.kind in {"mail", "contacts", "calendar"}:
                    skipped = dict(
                        session.execute(
                            select(Skip.reason, func.count()).where(Skip.collection_id == row.id).group_by(Skip.reason)
                        ).all()
                    )
                    assert row.skipped == skipped
                    assert row.found == row.stored + sum(skipped.values())


@pytest.fixture
def takeout(tmp_path: Any) -> Callable[..., Any]:
    def write(*messages: bytes, contacts: str = "", **calendars: str) -> Any:
        folder = tmp_path / "Takeout"
        (folder / "Mail").mkdir(parents=True, exist_ok=True)
        content = b"".join(MARK.encode() + b"\n" + message.rstrip(b"\n") + b"\n\n" for message in messages)
        (folder / "Mail" / "All mail.mbox").write_bytes(content)
        if contacts:
            (folder / "Contacts").mkdir(exist_ok=True)
            (folder / "Contacts" / "All Contacts.vcf").write_text(contacts)
        for name, lines in calendars.items():
            (folder / "Calendar").mkdir(exist_ok=True)
            (folder / "Calendar" / f"{name}.ics").write_text(lines)
        return folder

    return write


@pytest.fixture(scope="session")
def google_keys(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One signing key for all: making one takes longer than most tests."""
    from emulator.clock import Clock
    from emulator.oauth.keys import Keys
    from emulator.store import Store

    folder = tmp_path_factory.mktemp("keys")
    store = Store(folder)
    Keys(folder, Clock(store))
    store.close()
    return folder / "keys"


@pytest.fixture
def start(tmp_path: Any, migrated: Settings, runtime: Runtime, takeout: Any, google_keys: Any) -> Iterator[Any]:
    """Start a Google with these things in it, and a member connected to it."""
    import shutil

    with contextlib.ExitStack() as stack:

        def begin(
            *messages: bytes, folder: Any = None, units: int = 150_000, owner: str | None = OWNER, **more: str
        ) -> Desk:
            state = tmp_path / "state"
            shutil.copytree(google_keys, state / "keys")
            config = Config(
                state=state,
                client_id=migrated.google_client_id,
                client_secret=migrated.google_client_secret,
                redirect_uris=("http://127.0.0.1:9/callback",),
                takeout=folder or takeout(*messages, **more),
                owner=owner,
                quota_per_minute=units,
            )
            google = Google(stack.enter_context(running(config)), migrated.google_client_id)
            settings = replace(migrated, google=GoogleEndpoints.under(google.running.url), gmail_units_per_minute=units)
            here = build(settings, runtime.clock)
            stack.callback(here.close)
            return Desk(here, google)

        yield begin

"""`measure guard`, `log` and `laundering`: what the guard and its log cost here, and what copied passages it finds.

The measuring happens in two databases of its own, made beside the product's and dropped in the end, with keys of its
own: no tenant, no key and no leaf of the running product is touched. The databases' user must be allowed to make
databases.
"""

import contextlib
import json
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import create_engine, insert, make_url, text

import migrations
from accounts.models import Grant, GrantStatus, Member, Organisation, Role, Sharing
from kernel.ids import new_id
from kernel.runtime import Runtime, build
from kernel.settings import Settings
from limited_use import policy_file
from limited_use.asking import ActorClass, Asking, Purpose, Sink
from limited_use.keys import vault
from limited_use.log.integrator import log_signer
from limited_use.log.leaf import Leaf
from limited_use.log.models import LogLeaf
from limited_use.log.record import append, integrate
from limited_use.log.sources import DatabaseSource
from limited_use.log.verify import verify
from limited_use.log.words import Decision, Kind
from web.commands.guard_cost import COLUMNS, of_guard
from web.commands.laundering_found import of_laundering

MANY = 5_000


@dataclass(frozen=True)
class Tenant:
    """An organisation with one member and one grant, on servers of the measurement alone."""

    runtime: Runtime
    asking: Asking
    grant: Grant


def install(app: Flask, runtime: Runtime) -> None:
    """Add the group `measure`."""
    group = AppGroup("measure", help="What the guard and its log cost here; the product's own data stay untouched.")

    @group.command("guard")
    @click.option("--rows", type=click.IntRange(1), default=50, show_default=True, help=f"Of {COLUMNS} fields each.")
    @click.option("--rounds", type=click.IntRange(3), default=60, show_default=True)
    def measure_guard(rows: int, rounds: int) -> None:
        """Print, as JSON, what sealed fields cost beside the same work unguarded: shown, written, kept in memory."""
        with _apart(runtime.settings) as tenant:
            click.echo(json.dumps(of_guard(tenant.runtime, tenant.asking, tenant.grant.id, rows, rounds)))

    @group.command("log")
    @click.option("--leaves", type=click.IntRange(100), default=50_000, show_default=True)
    def measure_log(leaves: int) -> None:
        """Print, as JSON, how fast leaves are appended, given their place in the tree, and verified."""
        with _apart(runtime.settings) as tenant:
            click.echo(json.dumps(_log(tenant, leaves)))

    @group.command("laundering")
    @click.option(
        "--corpus",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        required=True,
        help='JSON: {"mails": [{"thread", "subject", "first", "body"}], "asked": {kind: [text]}}.',
    )
    def measure_laundering(corpus: Path) -> None:
        """Print, as JSON, how many of the texts are found to repeat the mails, by their heads and by their texts."""
        mails, asked = _corpus(corpus)
        with _apart(runtime.settings) as tenant:
            found = of_laundering(tenant.runtime, tenant.asking.organisation_id, tenant.grant.id, mails, asked)
            click.echo(json.dumps(found))

    app.cli.add_command(group)


def _corpus(path: Path) -> tuple[list[dict[str, str]], dict[str, list[str]]]:
    """Return the mails and the texts to ask about.

    Raises:
        BadParameter: if the file is anything else.
    """
    try:
        said = json.loads(path.read_bytes())
        mails = [{name: str(mail[name]) for name in ("thread", "subject", "first", "body")} for mail in said["mails"]]
        return mails, {str(kind): [str(one) for one in texts] for kind, texts in said["asked"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise click.BadParameter("The corpus is not of the form that --help shows.") from error


@contextlib.contextmanager
def _apart(settings: Settings) -> Iterator[Tenant]:
    """Yield a tenant on databases and keys that are gone afterwards."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="measure-")))
        own = replace(
            settings,
            database_url=stack.enter_context(_database_beside(settings.database_url)),
            keys_database_url=stack.enter_context(_database_beside(settings.keys_database_url)),
            keyring_path=folder / "keyring.json",
            kms_key="",
            log_key_path=folder / "log-key.pem",
        )
        migrations.upgrade(own)
        runtime = build(own)
        stack.callback(runtime.close)
        yield _settle(runtime)


@contextlib.contextmanager
def _database_beside(url: str) -> Iterator[str]:
    """Yield the address of a new, empty database on the same server; it is dropped afterwards."""
    name = f"measure_{secrets.token_hex(6)}"  # hex of our own making: safe as an identifier
    engine = create_engine(url, isolation_level="AUTOCOMMIT", hide_parameters=True)
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield make_url(url).set(database=name).render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


def _settle(runtime: Runtime) -> Tenant:
    now = runtime.clock.now()
    organisation = Organisation(id=new_id(), name="Measured", created_at=now)
    member = Member(
        id=new_id(),
        organisation_id=organisation.id,
        google_sub="measured",
        email="measured@example.test",
        name="Measured",
        role=Role.OWNER,
        created_at=now,
    )
    grant = Grant(
        id=new_id(),
        organisation_id=organisation.id,
        member_id=member.id,
        google_sub=member.google_sub,
        email=member.email,
        status=GrantStatus.ACTIVE,
        sharing=Sharing.ONLY_ME,
        scopes=[],
        created_at=now,
    )
    with runtime.begin() as work:
        for row in (organisation, member, grant):
            work.session.add(row)
            work.session.flush()
    vault(runtime).create_grant(organisation.id, grant.id)
    asking = Asking(organisation.id, member.id, ActorClass.MEMBER, "people", Purpose.USER_FEATURE, Sink.BROWSER)
    return Tenant(runtime, asking, grant)


def _log(tenant: Tenant, count: int) -> dict[str, float]:
    runtime = tenant.runtime
    signer = log_signer(runtime)
    leaf = Leaf(
        at=runtime.clock.now(),
        kind=Kind.RELEASE,
        decision=Decision.OPEN,
        actor_class=ActorClass.MEMBER,
        org=vault(runtime).pseudonym(tenant.asking.organisation_id, "organisation", tenant.asking.organisation_id),
        purpose=Purpose.USER_FEATURE,
        feature="people",
        sink=Sink.BROWSER,
        policy=policy_file.digest(),
        labels=("gmail",),
        opened=200,
        records=50,
    )
    batched = min(count, 2_000)
    began = time.perf_counter()
    with runtime.begin() as work:
        for _ in range(batched):
            append(work.session, leaf, organisation_id=tenant.asking.organisation_id)
    appended = time.perf_counter()
    _fill(runtime, leaf, count - batched)
    filled = time.perf_counter()
    integrate(runtime.sessions, signer, runtime.clock)
    integrated = time.perf_counter()
    report = verify(DatabaseSource(runtime.sessions, signer.verifier))
    return {
        "leaves": count,
        "append_per_s": batched / (appended - began),
        "integrate_per_s": count / (integrated - filled),
        "verify_per_s": report.leaves / (time.perf_counter() - integrated),
        "verified": float(report.verified),
    }


def _fill(runtime: Runtime, leaf: Leaf, count: int) -> None:
    """Leave that many leaves more to be integrated, without measuring how they came."""
    row = {name: getattr(leaf, name) for name in ("kind", "decision", "feature", "purpose", "sink", "opened")}
    row |= {"at": leaf.at.replace(microsecond=leaf.at.microsecond // 1000 * 1000), "body": leaf.body(), "withheld": 0}
    for first in range(0, count, MANY):
        with runtime.begin() as work:
            work.session.execute(insert(LogLeaf), [row] * min(MANY, count - first))

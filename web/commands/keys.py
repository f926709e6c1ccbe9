"""`keys status`, `keys rotate`, `keys retire`, `keys replay`: renewing keys in use, and keeping ended ones ended.

`rotate` plans; the worker does the work, so a command that is broken off breaks nothing off.
"""

import datetime as dt
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select

from accounts.models import Grant, GrantStatus, Organisation
from kernel.errors import AppError
from kernel.jobs.kinds import EVERYTHING
from kernel.runtime import Runtime
from limited_use import key_figures, key_versions, rotation
from limited_use.cloud_kms import CLOUD, version_name
from limited_use.jobs import REWRAP
from limited_use.keys import vault
from limited_use.models import KeyRotation
from limited_use.replaying import endings_in, revived
from oauth.revocation import Ending, end_account
from web.commands.grants import OPERATOR

LOOK_S = 1.0


def install(app: Flask, runtime: Runtime) -> None:
    """Add the group `keys`."""
    keys = AppGroup("keys", help="The keys under which everything is sealed.")

    @keys.command("status")
    def status() -> None:
        """Print versions, uses and rotations under way; no key, no name."""
        for line in _status(runtime):
            click.echo(line)

    @keys.command("rotate")
    @click.option("--root", is_flag=True, help="A new version of the key-encryption key, and wrap keys under it.")
    @click.option("--no-new-root", is_flag=True, help="With --root: take the newest version there is.")
    @click.option("--organisation", type=click.UUID, help="New versions of one organisation's keys.")
    @click.option("--all", "everything", is_flag=True, help="Root, and the keys of every organisation.")
    @click.option("--wait/--no-wait", default=False, help="Tell the progress until it is done.")
    def rotate(*, root: bool, no_new_root: bool, organisation: uuid.UUID | None, everything: bool, wait: bool) -> None:
        """Renew keys and seal everything anew; repeat it to go on with what is under way."""
        _rotate(runtime, _Asked(root, no_new_root, organisation, everything, wait))

    @keys.command("retire")
    @click.option("--now", is_flag=True, help="Do not keep emptied versions for thirty days: older backups are lost.")
    def retire(*, now: bool) -> None:
        """Destroy old versions that nothing uses."""
        count = rotation.retire(runtime, dt.timedelta(0) if now else rotation.KEPT)
        click.echo(f"{count} old versions were retired. What is sealed under them, in backups, can no longer be read.")

    @keys.command("replay")
    @click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
    def replay(folder: Path) -> None:
        """End again what a copy of the log, newer than the backup that was put back, says was ended."""
        click.echo(f"{_replay(runtime, folder)} ended grants had come back with the backup; their keys are gone again.")

    app.cli.add_command(keys)


def _replay(runtime: Runtime, folder: Path) -> int:
    try:
        grant_ids = revived(runtime, endings_in(runtime, folder))
    except AppError as error:
        raise click.ClickException(error.told) from error
    for grant_id in grant_ids:
        with runtime.begin() as work:
            vault(runtime).destroy_grant(work.session, grant_id)
    with runtime.sessions() as session:
        live = select(Grant.google_sub).where(Grant.id.in_(grant_ids), Grant.status != GrantStatus.REVOKED)
        accounts = set(session.scalars(live))
    for google_sub in accounts:
        end_account(runtime, google_sub, Ending(OPERATOR))
    return len(grant_ids)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `rotate` was told."""

    root: bool
    no_new_root: bool
    organisation: uuid.UUID | None
    everything: bool
    wait: bool


def _rotate(runtime: Runtime, asked: _Asked) -> None:
    if not (asked.root or asked.everything or asked.organisation):
        raise click.UsageError("Say which keys: --root, --organisation ID or --all.")
    if asked.organisation and asked.everything:
        raise click.UsageError("--organisation and --all exclude each other.")
    if asked.root or asked.everything:
        _renew_root(runtime, new=not asked.no_new_root)
    if asked.everything or asked.organisation:
        _plan(runtime, asked.organisation, wait=asked.wait)


def _status(runtime: Runtime) -> list[str]:
    told = key_figures.figures(vault(runtime).store)
    wraps = ", ".join(f"{version_name(version)} wraps {count}" for version, count in told.wraps_by_root_version.items())
    lines = [
        f"Root: {version_name(told.root_version)} is the newest.",
        f"Organisations' wrap keys: {wraps or 'none yet'}.",
        f"Keys: {told.alive} alive; {told.old} are old versions, {told.emptied} of them unused.",
        f"{told.destroyed} keys were destroyed or retired.",
        f"Uses: {told.seals} values sealed, keys unwrapped {told.unwraps} times.",
        f"The most used key has sealed {told.most_used} values; at {told.renew_at} a key is renewed by itself.",
    ]
    with runtime.sessions() as session:
        lines += [_progress(one) for one in key_figures.under_way(session)] or ["No rotation is under way."]
        done = key_figures.last_done(session)
    if done is not None and done.finished_at is not None:
        at = f"{done.finished_at:%Y-%m-%d %H:%M} UTC"
        lines.append(f"The last one was done at {at}, {done.resealed} values.{_damaged(done)}")
    return lines


def _progress(one: KeyRotation) -> str:
    whose = f"organisation {one.organisation_id}" if one.organisation_id else "every organisation"
    return (
        f"Rotation {one.id} of {whose}: {one.phase}, pass {one.passes + 1}, at {one.table or 'the start'};"
        f" {one.walked} rows looked at, {one.resealed} values sealed anew.{_damaged(one)}"
    )


def _damaged(one: KeyRotation) -> str:
    if not one.damaged_keys and not one.damaged_values:
        return ""
    return (
        f" Left as they were, because they are damaged: {one.damaged_keys} keys, {one.damaged_values} values;"
        " docs/operators/keys.md says what to do."
    )


def _renew_root(runtime: Runtime, *, new: bool) -> None:
    store = vault(runtime).store
    version = store.provider.renew() if new else store.provider.newest()
    with runtime.begin() as work:
        work.later(REWRAP, EVERYTHING)  # should this process end before it is through
    after: int | None = 0
    while after is not None:
        after, _ = key_versions.rewrap_root(store, after)
    click.echo(f"The root is at {version_name(version)}, and every organisation's wrap key is wrapped by it.")
    if version < CLOUD:
        click.echo("Back the key file up now, and copy it to your other machines.")


def _plan(runtime: Runtime, organisation_id: uuid.UUID | None, *, wait: bool) -> None:
    with runtime.sessions() as session:
        if organisation_id is not None and session.get(Organisation, organisation_id) is None:
            click.echo("There is no such organisation.", err=True)
            raise SystemExit(1)
    with runtime.begin() as work:
        planned = rotation.begin(work, runtime.clock.now(), organisation_id)
        rotation_id = planned.id
        click.echo(_progress(planned))
    click.echo(
        "The worker does it; `keys status` tells how far it is. Back up the keys' database once it is at reseal."
    )
    while wait:
        time.sleep(LOOK_S)
        with runtime.sessions() as session:
            now = key_figures.rotation_of(session, rotation_id)
        click.echo(_progress(now))
        wait = now.finished_at is None

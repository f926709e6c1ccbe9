"""`grants list` and `grants revoke`, `sync run`: what members allowed at Google, ended or read again by an operator."""

import uuid

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select

from accounts.models import Grant, GrantStatus, Member
from kernel.runtime import Runtime
from oauth.revocation import Ending, end_account
from oauth.scopes import features_of
from sync.models import Collection, CollectionState

OPERATOR = "operator"


def install(app: Flask, runtime: Runtime) -> None:
    """Add the groups `grants` and `sync`."""
    grants = AppGroup("grants", help="What members allowed at Google.")

    @grants.command("list")
    @click.option("--all", "everything", is_flag=True, help="Ended ones, too.")
    def list_grants(*, everything: bool) -> None:
        """Print each grant: id, organisation, member, status, and what it is for; no address."""
        with runtime.sessions() as session:
            query = select(Grant).order_by(Grant.created_at, Grant.id)
            if not everything:
                query = query.where(Grant.status != GrantStatus.REVOKED)
            found = list(session.scalars(query))
        for grant in found:
            features = ",".join(features_of(grant.scopes)) or "-"
            why = f" ({grant.status_reason})" if grant.status_reason else ""
            click.echo(f"{grant.id}  {grant.organisation_id}  {grant.member_id}  {grant.status}{why}  {features}")
        click.echo(f"{len(found)} grants.")

    @grants.command("revoke")
    @click.argument("grant_id", type=click.UUID)
    def revoke(grant_id: uuid.UUID) -> None:
        """End all grants of the Google account behind a grant, as its owner would; keys are destroyed at once."""
        with runtime.sessions() as session:
            grant = session.get(Grant, grant_id)
        if grant is None or grant.status == GrantStatus.REVOKED:
            click.echo("There is no such grant, or it is ended already.", err=True)
            raise SystemExit(1)
        ended = end_account(runtime, grant.google_sub, Ending(OPERATOR))
        click.echo(f"Ended: {len(ended)} grants of that account. Their keys are destroyed; the worker purges the rows.")

    sync = AppGroup("sync", help="Keeping in step with Google.")

    @sync.command("run")
    @click.option("--member", type=click.UUID, help="Of one member alone.")
    def run(member: uuid.UUID | None) -> None:
        """Make every list of active grants due now; the worker does the rest."""
        click.echo(f"{_make_due(runtime, member)} lists at Google are due now.")

    app.cli.add_command(grants)
    app.cli.add_command(sync)


def _make_due(runtime: Runtime, member_id: uuid.UUID | None) -> int:
    with runtime.begin() as work:
        query = (
            select(Collection)
            .join(Grant, Grant.id == Collection.grant_id)
            .join(Member, Member.id == Grant.member_id)
            .where(
                Grant.status == GrantStatus.ACTIVE,
                Member.left_at.is_(None),
                Collection.state != CollectionState.STOPPED,
            )
        )
        if member_id is not None:
            query = query.where(Grant.member_id == member_id)
        found = work.session.scalars(query.order_by(Collection.id)).all()
        for collection in found:
            work.later(f"sync.{collection.kind}", collection.id)
        return len(found)

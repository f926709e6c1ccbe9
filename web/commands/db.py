"""`db upgrade`: both databases are brought to this version of the product."""

import click
from flask import Flask
from flask.cli import AppGroup

import migrations
from kernel.runtime import Runtime


def install(app: Flask, runtime: Runtime) -> None:
    """Add the group `db`."""
    group = AppGroup("db", help="The tables of both databases.")

    @group.command("upgrade")
    def upgrade() -> None:
        """Bring both databases to this version; safe to repeat, and from several machines at once."""
        migrations.upgrade(runtime.settings)
        click.echo("Both databases are at this version.")

    app.cli.add_command(group)

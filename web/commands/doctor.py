"""`doctor` looks at what the product stands on, and at the walls around it, and says of each whether it stands."""

from collections.abc import Callable
from typing import Any, cast

import click
from flask import Flask
from sqlalchemy import text

from kernel.errors import AppError
from kernel.runtime import Runtime
from limited_use.keys import vault
from limited_use.log.integrator import log_signer
from limited_use.policy import shipped_policy
from migrations import is_current
from web.commands.walls import State, walls


def install(app: Flask, runtime: Runtime) -> None:
    """Add the command `doctor`."""

    @app.cli.command("doctor")
    @click.option("--probe", default="", metavar="HOST:PORT", callback=_place, help="Outside; must not be reached.")
    def doctor(probe: str) -> None:
        """Say of each part and wall whether it stands; exit code 1 if a part fails, else 2 if a wall is missing."""
        failed = 0
        for name, check in _checks(runtime).items():
            try:
                said = check()
            except Exception as error:  # noqa: BLE001 -- whatever is wrong with a part is told, and the rest looked at
                failed += 1
                click.echo(f"FAILS    {name}: {error.code if isinstance(error, AppError) else type(error).__name__}")
            else:
                click.echo(f"stands   {name}: {said}")
        found = list(walls(runtime, probe))
        for wall in found:
            click.echo(f"{wall.state:8} {wall.name}: {wall.said}")
        if failed:
            raise SystemExit(1)
        if any(wall.state is State.MISSING for wall in found):
            raise SystemExit(2)


def _place(_: click.Context, __: click.Parameter, said: str) -> str:
    """Return a host and port as they were given; refuse anything else."""
    host, _colon, port = said.rpartition(":")
    if said and not (host and port.isascii() and port.isdigit()):
        raise click.BadParameter("a host and a port, like 192.0.2.1:443")
    return said


def _checks(runtime: Runtime) -> dict[str, Callable[[], str]]:
    def database() -> str:
        with runtime.sessions() as session:
            return f"PostgreSQL {session.scalar(text('SHOW server_version'))}"

    def keys() -> str:
        with runtime.key_sessions() as session:
            session.execute(text("SELECT 1 FROM keys LIMIT 1"))
        vault(runtime)
        return "reachable, destroyed keys replayed"

    def schema() -> str:
        if not is_current(runtime.settings):
            msg = "the databases need `make run` or `flask --app main db upgrade`"
            raise AppError(msg)
        return "up to date"

    def queue() -> str:
        said = cast("dict[str, Any]", runtime.redis.info("server"))
        return f"Redis {said['redis_version']}"

    return {
        "database": database,
        "keys' database": keys,
        "schema": schema,
        "queue": queue,
        "policy": lambda: f"{shipped_policy().digest[:16]}, {len(shipped_policy().features)} features",
        "log": lambda: f"signed as {log_signer(runtime).vkey}",
    }

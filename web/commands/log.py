"""`log verify` and `log export`: the Limited Use log, checked and handed out."""

import json
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from kernel.runtime import Runtime
from limited_use.log.export import export_kit
from limited_use.log.integrator import log_signer
from limited_use.log.record import integrate
from limited_use.log.sources import DatabaseSource
from limited_use.log.verify import verify


def install(app: Flask, runtime: Runtime) -> None:
    """Add the group `log`."""
    group = AppGroup("log", help="The Limited Use log.")

    @group.command("verify")
    @click.option("--held", type=click.Path(exists=True, dir_okay=False, path_type=Path), multiple=True)
    @click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
    def verify_log(held: tuple[Path, ...], *, as_json: bool) -> None:
        """Build the whole tree anew and hold all that is stored against it; --held names checkpoints you kept."""
        signer = log_signer(runtime)
        integrate(runtime.sessions, signer, runtime.clock)
        source = DatabaseSource(runtime.sessions, signer.verifier)
        report = verify(source, held=[path.read_bytes() for path in held])
        if as_json:
            shown = {name: getattr(report, name) for name in ("verified", "fault", "origin", "size", "root", "leaves")}
            click.echo(json.dumps(shown))
        elif report.verified:
            click.echo(f"The log {report.origin} holds: {report.leaves} leaves, {report.checkpoints} signed heads.")
            click.echo(f"Size {report.size}, root {report.root}")
        else:
            click.echo(f"The log does NOT hold: {report.fault}", err=True)
        if not report.verified:
            raise SystemExit(1)

    @group.command("export")
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    def export_log(folder: Path) -> None:
        """Write the outsiders' kit: checkpoint, tiles, entries, public key, format page and a script that verifies."""
        signer = log_signer(runtime)
        integrate(runtime.sessions, signer, runtime.clock)
        head = export_kit(runtime.sessions, signer.verifier, folder)
        click.echo(f"{head.size} leaves are in {folder}. Verify them with: python {folder}/verify.py {folder}")

    app.cli.add_command(group)

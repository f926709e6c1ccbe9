"""`policy explain` says why something is shown or not; `addon manifest` prints the add-on's deployment."""

import json
from dataclasses import replace

import click
from flask import Flask
from flask.cli import AppGroup

from accounts.models import Sharing
from addon.manifest import manifest
from kernel.database import Aspect
from kernel.runtime import Runtime
from limited_use.log.words import Decision, Purpose, Sink
from limited_use.policy import Kind, Question, Viewer, explain, shipped_policy


def install(app: Flask, runtime: Runtime) -> None:
    """Add the groups `policy` and `addon`."""
    policy = AppGroup("policy", help="The policy of the Limited Use guard.")

    @policy.command("explain")
    @click.option("--label", "kind", type=click.Choice([kind.value for kind in Kind]), required=True)
    @click.option("--sink", type=click.Choice([sink.value for sink in Sink]), required=True)
    @click.option("--purpose", type=click.Choice([one.value for one in Purpose]), default=Purpose.USER_FEATURE.value)
    @click.option("--viewer", type=click.Choice([one.value for one in Viewer]), default=Viewer.OWNER.value)
    @click.option("--feature", default="", help="A feature of policy.toml; without it, each is told.")
    @click.option("--sharing", type=click.Choice([level.value for level in Sharing]), help="What the owner shares.")
    @click.option("--aspect", type=click.Choice([one.value for one in Aspect]), help="What of it is asked for.")
    def explain_cells(feature: str, sharing: str | None, aspect: str | None, **words: str) -> None:
        """Say what happens to a value of a label at a sink, and by which rule."""
        shipped = shipped_policy()
        asked = Question(
            Kind(words["kind"]),
            Purpose(words["purpose"]),
            Sink(words["sink"]),
            Viewer(words["viewer"]),
            feature,
            Sharing(sharing) if sharing else None,
            Aspect(aspect) if aspect else None,
        )
        names = [feature] if feature else sorted(shipped.features)
        told = {name: explain(replace(asked, feature=name)) for name in names}
        for name, one in told.items():
            rule = "no rule" if one.rule is None else f"rule {one.rule.number}"
            click.echo(f"{one.decision.value:8} {name:12} {rule}: {one.why}")
        for sentence in sorted({one.sharing for one in told.values() if one.sharing}):
            click.echo(sentence)
        click.echo(f"Policy {shipped.digest[:16]}: what no rule allows is refused.")
        if all(one.decision is Decision.REFUSE for one in told.values()):
            raise SystemExit(1)

    addon = AppGroup("addon", help="The Gmail and Calendar add-on.")

    @addon.command("manifest")
    def show_manifest() -> None:
        """Print the deployment for `gcloud workspace-add-ons deployments create`."""
        click.echo(json.dumps(manifest(runtime.settings), indent=2))

    app.cli.add_command(policy)
    app.cli.add_command(addon)

"""Commands for operators: `flask --app main …`. Each group is one concept; all speak in sentences and exit codes.

They run where the product runs and take its settings, or those of a `make run` that is under way.
"""

from flask import Flask

from kernel.runtime import Runtime
from web.commands import db, doctor, grants, keys, log, measure, policy, probe


def install(app: Flask, runtime: Runtime) -> None:
    """Give the application its commands."""
    for module in (log, policy, grants, keys, db, doctor, probe, measure):
        module.install(app, runtime)

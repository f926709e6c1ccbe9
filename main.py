"""The web application, as gunicorn and `flask --app main` start it."""

import sys

import click

from kernel import diagnostics, memory
from kernel.runtime import build
from kernel.settings import Settings, SettingsError
from limited_use import egress, key_watch
from limited_use.log import integrator
from limited_use.policy import PolicyError
from limited_use.release import check_rules
from limited_use.reviewed import NotReviewed
from web.app import create_app

try:
    settings = Settings.from_environment()
    egress.confine(settings)
    egress.watch(settings)
    check_rules()
except (SettingsError, egress.RegistryError, PolicyError, NotReviewed) as error:
    sys.exit(error.told)
diagnostics.tell(settings.log_level)
runtime = build(settings)
egress.report(runtime)
app = create_app(runtime)
if click.get_current_context(silent=True) is None:
    # A server: it keeps the head of the log up to date, and its memory free of what ended. A command is over too soon.
    integrator.start(runtime)
    key_watch.start(runtime)
    memory.settle()

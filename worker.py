"""The worker: does the runs of every kind that a module of the product registers."""

import sys

from kernel import diagnostics, jobs, memory
from kernel.runtime import build
from kernel.settings import Settings, SettingsError
from limited_use import egress, key_watch
from limited_use.log import integrator
from limited_use.policy import PolicyError
from limited_use.release import check_rules
from limited_use.reviewed import NotReviewed


def main() -> int:
    """Work until told to stop."""
    try:
        settings = Settings.from_environment()
        egress.confine(settings)
        egress.watch(settings)
        check_rules()
    except (SettingsError, egress.RegistryError, PolicyError, NotReviewed) as error:
        sys.stderr.write(f"{error.told}\n")
        return 2
    diagnostics.tell(settings.log_level)
    jobs.load()
    runtime = build(settings)
    egress.report(runtime)
    try:
        integrator.start(runtime)
        key_watch.start(runtime)
        memory.settle()
        jobs.work(runtime)
    finally:
        runtime.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The result line at the end of a run, whoever ran the tests: this process or several."""

from collections.abc import Iterable
from typing import Any

ATTEMPT, FLOW, LEAKED = "leaks.attempt", "leaks.flow", "leaks.leaked"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how many attempts leaked and how many legitimate flows passed, if any were run."""
    reports = [report for kind in ("passed", "failed", "error") for report in terminalreporter.stats.get(kind, [])]
    line = result_line(reports)
    if line:
        terminalreporter.write_line(line)


def result_line(reports: Iterable[Any]) -> str | None:
    """Return `leaks 0 of N · legitimate M of M` over what was run; None if nothing of it was."""
    tried: set[str] = set()
    leaked: set[str] = set()
    wrong: set[str] = set()
    flows: dict[str, bool] = {}
    for report in reports:
        said = dict(getattr(report, "user_properties", ()))
        good = report.outcome == "passed"
        if ATTEMPT in said:
            tried.add(said[ATTEMPT])
            if LEAKED in said:
                leaked.add(said[ATTEMPT])
            elif not good:
                wrong.add(said[ATTEMPT])
        if FLOW in said:
            flows[said[FLOW]] = good and flows.get(said[FLOW], True)
    if not tried and not flows:
        return None
    line = f"leaks {len(leaked)} of {len(tried)} · legitimate {sum(flows.values())} of {len(flows)}"
    return line + (f" · {len(wrong)} refused otherwise than they should" if wrong else "")

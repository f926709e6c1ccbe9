"""The story that the demo tells while it works, and the summary that it leaves (DESIGN.md §8)."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EMPTY: dict[str, dict[str, Any]] = {
    "unreadable": {"messages": None, "events": None, "contacts": None},
    "google": {"messages": None, "threads": None, "events": None, "contacts": None},
    "planted": {"messages": None, "events": None, "contacts": None},
    "crm": {"messages": None, "threads": None, "events": None, "contacts": None, "people": None, "companies": None},
    "skipped": {"messages": {}, "events": {}, "contacts": {}},
    "sync": {
        "seconds": None,
        "cpu_seconds": None,
        "requests": None,
        "quota_units": None,
        "quota_per_minute": None,
        "retried": None,
    },
    "card": {"valid": None, "ms": None},
    "ai_export": {"records": None, "released_fields": None, "withheld_fields": None},
    "leaks": {"channels": None, "canaries": None, "found": None, "controls_planted": None, "controls_found": None},
    "log": {"leaves": None, "size": None, "verified": None, "verified_by_others": None, "checkpoint": None},
    "revoke": {
        "denied_after_ms": None,
        "google_revoked": None,
        "readable_after": None,
        "rows_left": None,
        "receipt_verified": None,
    },
}


class Story:
    """Prints what happens, keeps what was measured, and remembers whether every step was verified."""

    def __init__(self) -> None:
        self.summary = {name: dict(values) for name, values in EMPTY.items()}
        self.failures: list[str] = []
        self._begun = time.monotonic()
        self._step = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print the step's title, and afterwards how long it took."""
        self._step += 1
        begun = time.monotonic()
        print(f"\n{self._step:2}. {title}", flush=True)
        yield
        print(f"    ({time.monotonic() - begun:.1f} s)", flush=True)

    def tell(self, line: str) -> None:
        """Print one line of the step."""
        print(f"    {line}", flush=True)

    def check(self, holds: bool, claim: str) -> None:  # noqa: FBT001 -- a check is a truth and its claim
        """Print the claim, ticked when it holds; the demo fails when it does not."""
        print(f"    {'✓' if holds else '✗'} {claim}", flush=True)
        if not holds:
            self.failures.append(claim)

    def measured(self, part: str, **values: Any) -> None:
        """Keep measured values for the summary."""
        self.summary[part].update(values)

    def end(self, out: Path | None) -> int:
        """Write the summary, print the end of the story and return the exit code."""
        unknown = [
            f"{part}.{key}" for part, values in self.summary.items() for key, value in values.items() if value is None
        ]
        self.failures += [f"{name} was not measured" for name in unknown]
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps(self.summary, indent=2) + "\n")
            print(f"\nThe figures are in {out}.")
        else:
            print("\n" + json.dumps(self.summary, indent=2))
        if self.failures:
            print("\nNot everything held:", file=sys.stderr)
            for failure in self.failures:
                print(f"  ✗ {failure}", file=sys.stderr)
            return 1
        print(f"\nEverything held, in {time.monotonic() - self._begun:.0f} seconds.")
        return 0

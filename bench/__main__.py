"""`make bench [NAME=…]`: runs the benchmarks, or the named one, and prints each figure beside budget and peer."""

import argparse
import functools
import os
import subprocess
import sys
from pathlib import Path

import requests

from bench import laundering
from bench.cases import BENCHMARKS
from bench.person import BenchError


def main() -> int:
    """Run what was asked for; 1 when something could not be measured, never for a budget."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure against the budgets.")
    parser.add_argument("name", nargs="?", choices=sorted([*BENCHMARKS, "laundering"]), help="one (default: all)")
    parser.add_argument("--takeout", type=Path, help="a Takeout folder: the real mail that `laundering` needs")
    asked = parser.parse_args()
    benchmarks = BENCHMARKS | {"laundering": functools.partial(laundering.measure, asked.takeout)}
    cores, load = os.cpu_count() or 0, os.getloadavg()[0]
    print(f"Budgets are for two cores with nothing else to do; this machine has {cores}, its load is {load:.1f}.")
    failed = missed = 0
    for name in [asked.name] if asked.name else benchmarks:
        print(f"\n{name}", flush=True)
        try:
            for figure in benchmarks[name]():
                missed += figure.verdict == "MISSED"
                print("\n".join(figure.lines()), flush=True)
        except (BenchError, requests.RequestException, subprocess.SubprocessError) as error:
            failed += 1
            print(f"  not measured: {error}", file=sys.stderr)
    print(f"\nBudgets missed: {missed}. Not measured: {failed}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

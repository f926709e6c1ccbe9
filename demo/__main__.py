"""`make demo`: the main job, start to end, in a throw-away folder; exit code 0 only if every step was verified."""

import argparse
import sys
from pathlib import Path

from demo import stack
from demo.browser import DriveError
from demo.journey import Journey
from demo.story import Story


def main() -> int:
    """Run the story and return the exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description="The main job, from sign-in to disconnect.")
    parser.add_argument("--takeout", type=Path, help="an unpacked Google Takeout folder")
    parser.add_argument("--owner", help="the address whose mailbox it is (default: the most frequent sender)")
    parser.add_argument("--out", type=Path, help="where the summary is written, as JSON")
    asked = parser.parse_args()
    if asked.takeout is not None and not asked.takeout.is_dir():
        print(f"There is no folder {asked.takeout}: TAKEOUT must name an unpacked Takeout folder.", file=sys.stderr)
        return 2
    print("CRM.io for Google Workspace, from sign-in to disconnect, on this machine alone.")
    story = Story()
    try:
        with stack.running(asked.takeout.absolute() if asked.takeout else None, asked.owner) as started:
            Journey(started, story).run()
    except stack.NotStartedError as error:
        print(error, file=sys.stderr)
        return 2
    except DriveError as error:
        story.check(holds=False, claim=str(error))
    return story.end(asked.out)


if __name__ == "__main__":
    sys.exit(main())

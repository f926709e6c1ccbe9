"""Starts a local Google: `python -m emulator --port 9090 --state DIR --client-id … --client-secret … …`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from emulator.config import Config
from emulator.listener import CannotListen
from emulator.server import serve
from emulator.takeout.folder import NothingToLoad

_CANNOT_START = 2


def main(arguments: list[str] | None = None) -> int:
    """Answer until told to stop; 2 when there is nothing to serve or the port is taken."""
    config = _config(_parser().parse_args(arguments))
    try:
        serve(config)
    except (NothingToLoad, CannotListen) as error:
        print(error, file=sys.stderr)  # noqa: T201 -- a sentence for the person who started it
        return _CANNOT_START
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator", description="A local Google, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one; it is printed when ready")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="what survives a restart")
    parser.add_argument("--takeout", type=Path, metavar="DIR", help="a Google Takeout folder; else sample data")
    parser.add_argument("--owner", metavar="ADDRESS", help="whose folder it is; else the most frequent sender")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--client-secret", required=True)
    parser.add_argument("--redirect-uri", action="append", required=True, help="may be given several times")
    parser.add_argument("--quota-per-minute", type=int, default=150_000, help="Gmail units; Google's is 6000")
    parser.add_argument("--addon-url", metavar="BASE", help="the add-on that this Google plays host to")
    parser.add_argument("--addon-client-id")
    return parser


def _config(given: argparse.Namespace) -> Config:
    return Config(
        state=given.state,
        client_id=given.client_id,
        client_secret=given.client_secret,
        redirect_uris=tuple(given.redirect_uri),
        takeout=given.takeout,
        owner=given.owner,
        port=given.port,
        quota_per_minute=given.quota_per_minute,
        addon_url=given.addon_url,
        addon_client_id=given.addon_client_id,
    )


if __name__ == "__main__":
    sys.exit(main())

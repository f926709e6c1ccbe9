"""Starts the embedded servers for the folder named first, says so, and holds them until its input closes."""

import signal
import sys
from pathlib import Path

from kernel import embedded

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background was started with it ignored
    servers = embedded.start(Path(sys.argv[1]), fast=True)
    sys.stdout.write(f"{servers.redis_url}\n")
    sys.stdout.flush()
    sys.stdin.read()
    servers.close()

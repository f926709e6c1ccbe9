"""The outer wall of docs/operators/walls.md, tried: a network namespace without routes, a proxy on a unix socket."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from tests.limited_use.egress.conftest import Proxy
from tests.limited_use.egress.test_tripwire import ROOT, environment

PROGRAM = Path(__file__).with_name("namespace_program.py")
ALONE = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-current-user"])]
POSSIBLE = (
    bool(shutil.which("unshare")) and not subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode
)


@pytest.mark.skipif(not POSSIBLE, reason="this machine gives nobody a network namespace of their own")
def test_without_any_route_the_product_works_through_the_proxy_and_nothing_else_gets_out(
    runtime, settings, serve, authority, tmp_path
):
    if "host=%2F" not in settings.database_url and "host=/" not in settings.database_url:
        pytest.skip("the database is reached over the network here")
    google, near = serve(authority.context), serve()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "egress.sock"))
        listener.listen()
        proxy = Proxy(listener, ("127.0.0.1", google.server_port), only="www.googleapis.com")
        variables = environment(settings, "") | {
            "EGRESS_PROXY": f"unix://{tmp_path}/egress.sock",
            "EGRESS_CA_FILE": str(authority.file),
        }
        done = subprocess.run(
            [*ALONE, sys.executable, str(PROGRAM), str(near.server_port)],
            env=variables, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "database": 1,
        "queue": True,
        "google": 200,
        "refused_by_proxy": "egress_failed",
        "webhook": "url_unresolved",
        "past_the_client": "egress_bypassed",
        "by_the_client_s_own_hands": False,
        "by_libpq": "OperationalError",
    }
    assert [line.split()[1] for line in proxy.asked] == ["www.googleapis.com:443", "oauth2.googleapis.com:443"]
    assert [seen.path for seen in google.seen] == ["/oauth2/v1/certs"]
    assert not near.seen
    with runtime.sessions() as session:
        leaves = [read_leaf(body) for body in session.scalars(select(LogLeaf.body))]
    # Looking its name up is what was stopped; the entry came by the socket of the database, which has a way.
    assert [(leaf.reason, leaf.destination, leaf.records) for leaf in leaves] == [
        ("egress_bypassed", "socket.getaddrinfo", 1)
    ]

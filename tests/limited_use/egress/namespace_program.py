"""A process in a network namespace without any route: what it reaches, and what it does not."""

import json
import socket
import sys

import psycopg
import redis
from sqlalchemy import text

from kernel.errors import AppError
from kernel.runtime import build
from kernel.settings import Settings
from limited_use import egress
from limited_use.egress.probing import reaches

PORT = int(sys.argv[1])


def told(act):
    try:
        return act()
    except AppError as error:
        return error.code
    except (OSError, psycopg.Error, redis.RedisError) as error:
        return type(error).__name__


if __name__ == "__main__":
    settings = Settings.from_environment()
    egress.confine(settings)
    egress.watch(settings)
    runtime = build(settings)
    egress.report(runtime)
    with runtime.sessions() as session:
        database = session.scalar(text("SELECT 1"))
    client = egress.client(runtime)
    answers = {
        "database": database,
        "queue": runtime.redis.ping(),
        "google": told(lambda: client.request("google_certs", "GET", settings.google.certs).status),
        "refused_by_proxy": told(lambda: client.request("google_oauth", "GET", settings.google.token).status),
        "webhook": told(lambda: client.post_user_url("https://hooks.example.com/", b"{}", {}).status),
        "past_the_client": told(lambda: socket.create_connection(("127.0.0.1", PORT), timeout=3)),
        "by_the_client_s_own_hands": reaches("127.0.0.1", PORT, 3),
        "by_libpq": told(lambda: psycopg.connect(f"postgresql://x@127.0.0.1:{PORT}/x", connect_timeout=3)),
    }
    runtime.close()
    sys.stdout.write(json.dumps(answers))

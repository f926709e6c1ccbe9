"""What rests outside the process, as bytes: both databases, PostgreSQL's own log and activity, and Redis."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql
from sqlalchemy import make_url

from demo.channels import _READ
from kernel.settings import Settings

_TALKATIVE = {
    "log_min_duration_statement": "0",
    "log_statement": "all",
    "log_min_error_statement": "debug5",
    "log_error_verbosity": "verbose",
    "log_parameter_max_length": "-1",
    "log_parameter_max_length_on_error": "-1",
}


class Resting:
    """The servers of a run; the databases tell their server's log everything from now on."""

    def __init__(self, settings: Settings) -> None:
        self._urls = {"database": plain(settings.database_url), "keys database": plain(settings.keys_database_url)}
        self._redis = redis.Redis.from_url(settings.redis_url)
        self._held: dict[str, psycopg.Connection[Any]] = {}
        self.server_log: Path | None = self._make_talkative()
        self._read_to = self._end_of_log()

    def __repr__(self) -> str:
        return "<resting>"

    def _make_talkative(self) -> Path | None:
        """Return the server's log, to be read here; None where the server is not ours to tell."""
        for url in self._urls.values():
            with psycopg.connect(url, autocommit=True) as connection:
                name = sql.Identifier(str(connection.info.dbname))
                for setting, value in _TALKATIVE.items():
                    order = sql.SQL("ALTER DATABASE {} SET {} = {}")
                    try:
                        connection.execute(order.format(name, sql.Identifier(setting), sql.Literal(value)))
                    except psycopg.errors.InsufficientPrivilege:
                        return None
                found = connection.execute("SELECT current_setting('data_directory')").fetchone()
        log = Path(str(found[0])).parents[1] / "postgres.log" if found else None
        return log if log is not None and log.is_file() else None

    def _end_of_log(self) -> int:
        return self.server_log.stat().st_size if self.server_log else 0

    def start(self) -> None:
        """From now on the server's log is read."""
        self._read_to = self._end_of_log()

    def gather(self) -> Iterator[tuple[str, bytes]]:
        """Yield (channel, bytes) of everything."""
        if self.server_log:
            with self.server_log.open("rb") as lines:
                lines.seek(self._read_to)
                yield "server log", lines.read()
        for name in self._urls:
            yield from ((name, rows) for rows in self.tables(name))
            yield "activity", repr(self._on(name).execute("SELECT * FROM pg_stat_activity").fetchall()).encode()
        yield from (("redis", piece) for piece in self._queue())

    def tables(self, name: str) -> Iterator[bytes]:
        """Yield every table of a database, its rows as text, as a dump has them; all in one statement, for speed."""
        connection = self._on(name)
        named = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        rows = sql.SQL("SELECT {0}::text, coalesce(string_agg(held::text, chr(10)), '') FROM {1} AS held")
        asked = [rows.format(sql.Literal(table[1]), sql.Identifier(*map(str, table))) for table in named]
        for table, text in connection.execute(sql.SQL(" UNION ALL ").join(asked)).fetchall():
            yield f"{table}\n{text}".encode()

    def close(self) -> None:
        """Give the connections back."""
        for connection in self._held.values():
            connection.close()
        self._redis.close()

    def _on(self, name: str) -> "psycopg.Connection[Any]":
        if name not in self._held:
            made = self._held[name] = psycopg.connect(self._urls[name], autocommit=True)
            made.execute("SET log_min_duration_statement = -1")
            made.execute("SET log_statement = 'none'")
        return self._held[name]

    def _queue(self) -> Iterator[bytes]:
        for key in self._redis.scan_iter(count=1000):
            yield bytes(key)
            with contextlib.suppress(KeyError):
                yield repr(_READ[bytes(self._redis.type(key))](self._redis, key)).encode()
        yield repr(self._redis.slowlog_get(64)).encode()


def plain(url: str) -> str:
    """Return the address as psycopg itself takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

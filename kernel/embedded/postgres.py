"""The embedded PostgreSQL: its data folder, its command line, and what its log says when it fails."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from kernel.embedded.binaries import Binaries
from kernel.embedded.errors import EmbeddedCorruptError, EmbeddedError, EmbeddedFailedError, EmbeddedFolderError, full
from kernel.embedded.place import Home, plain_environment, run_as

USER = "crm"
DATABASES = ("crm", "keys")
SIGNALS = [signal.SIGINT, signal.SIGQUIT]  # fast shutdown, then immediate: both leave data that recover

_NO_ROOM = "No space left on device"
_CORRUPT = (
    "PANIC:",
    "could not locate",
    "invalid data in file",
    "checksum",
    "is not a valid data directory",
    "could not open file",
    "could not open directory",
    "lacks",
    "missing",
    "incompatible",
    "could not read",
)

# Statements and DETAIL lines carry values of rows, so the log keeps neither.
_ALWAYS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_CAREFUL = {"shared_buffers": "128MB"}
_FAST = {
    "shared_buffers": "48MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def prepare(home: Home, binaries: Binaries, *, fast: bool) -> Path:
    """Return the data folder, initialised whole or not at all; one that exists is only looked at.

    Raises:
        EmbeddedCorruptError: when the folder is of another version or not a data folder.
    """
    data = home.own_folder("postgres") / "data"
    if not data.exists():
        _initialise(data, home, binaries, fast=fast)
        return data
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        version = ""
    if version != str(binaries.postgres_major):
        what = f"were written by PostgreSQL {version}, not {binaries.postgres_major}" if version else "cannot be read"
        raise EmbeddedCorruptError(
            f"The data in {data} {what}: put back a backup, or move that folder aside to start empty; "
            "nothing was changed."
        )
    _clear_stale_lock(data)
    return data


def _initialise(data: Path, home: Home, binaries: Binaries, *, fast: bool) -> None:
    """Make the data folder beside its place and move it there when it is complete."""
    unfinished = data.with_name(f"unfinished-{os.getpid()}")
    command = [
        str(binaries.initdb),
        "-D",
        str(unfinished),
        f"--username={USER}",
        "--auth-local=trust",
        "--auth-host=reject",
    ]
    command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--no-instructions", *(["--no-sync"] if fast else [])]
    made = subprocess.run(  # noqa: S603 -- our own binary and arguments, no shell
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env=plain_environment(),
        **run_as(home.account),
    )
    if made.returncode:
        shutil.rmtree(unfinished, ignore_errors=True)
        log = home.path / "initdb.log"
        log.write_text(made.stdout + made.stderr)
        raise _explain(made.stdout + made.stderr, data, log)
    unfinished.rename(data)


def _clear_stale_lock(data: Path) -> None:
    """Remove a left-over lock file whose process number now belongs to another program.

    The home's lock is ours, so no server of ours holds these data, unless its watchdog was killed where the system
    cannot pass that on: such a server is ended.
    """
    lock = data / "postmaster.pid"
    try:
        process = int(lock.read_text().split("\n", 1)[0])
        os.kill(process, 0)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return  # absent, or of a dead process: PostgreSQL itself takes it over
    except PermissionError:
        lock.unlink()
        return
    told = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(process)], check=False, capture_output=True)  # noqa: S603 -- fixed program
    if os.fsencode(data) not in told.stdout:
        lock.unlink()
        return
    with contextlib.suppress(ProcessLookupError):
        for _ in range(300):
            os.kill(process, SIGNALS[0])
            time.sleep(0.1)


def command(data: Path, binaries: Binaries, sockets: Path, *, fast: bool) -> list[str]:
    """Return the command line of the server: on a socket in `sockets`, nowhere else."""
    options = {**_ALWAYS, **(_FAST if fast else _CAREFUL), "unix_socket_directories": str(sockets)}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries.postgres), "-D", str(data), *settings]


def is_ready(data: Path) -> bool:
    """Tell whether the server takes connections, as it notes in its lock file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004 -- the eighth line is the status


def make_databases(sockets: Path) -> None:
    """Both databases exist."""
    with psycopg.connect(host=str(sockets), user=USER, dbname="postgres", autocommit=True) as connection:
        present = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for name in DATABASES:
            if name not in present:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def url(sockets: Path, database: str) -> str:
    """Return the address of one database, as SQLAlchemy reads it."""
    return f"postgresql+psycopg://{USER}@/{database}?host={sockets}"


def explain(log: Path, since: int, data: Path) -> EmbeddedError:
    """Return the error that says why the server ended, from what it logged after byte `since`."""
    with log.open("rb") as lines:
        lines.seek(since)
        return _explain(lines.read().decode(errors="replace"), data, log)


def _explain(told: str, data: Path, where: Path) -> EmbeddedError:
    if _NO_ROOM in told or "Disk quota exceeded" in told:
        return full(data)
    if "Permission denied" in told or "invalid permissions" in told or "wrong ownership" in told:
        return EmbeddedFolderError(
            f"The database server may not use {data}: start as the user who made it, or choose another data folder."
        )
    if any(sign in told for sign in _CORRUPT):
        return EmbeddedCorruptError(
            f"The data in {data} cannot be read (see {where}): put back a backup, or move that folder aside "
            "to start empty; nothing was changed."
        )
    return EmbeddedFailedError(f"The database server did not start: {where} says why.")

"""`make run`: the whole product on this machine, beside a local Google, held by one process.

Everything started here ends with it: by Ctrl-C, a closed terminal, or SIGKILL (kernel.embedded). A program that dies
is started again, a few times; then all is stopped and the reason named. Secrets made on the first start stay in the
data folder, private to the user who started it.
"""

import argparse
import contextlib
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import Request, urlopen

from kernel import embedded
from kernel.errors import AppError
from kernel.settings import DATA_FOLDER, LOCAL_UNITS_PER_MINUTE, RUN_FILE

ROOT = Path(__file__).resolve().parent
CLIENT_ID = "crm-local.apps.googleusercontent.com"
ADDON_ACCOUNT = "addon@crm-local.iam.gserviceaccount.com"
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PARENT = os.getppid()  # a throw-away product is of use to nobody when its starter has died
INDEXING_S = 3600.0  # a mailbox of many gigabytes is read through once
LAST_PORT = 65_535
QUIET_PORTS = range(16_384, 32_768)
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


KMS_KEY = "projects/local/locations/global/keyRings/crm/cryptoKeys/root"


class CannotRun(AppError):  # noqa: N818 -- the state it reports
    """The product cannot be started; the sentence says what to do."""

    code = "cannot_run"
    sentence = "The product cannot be started."


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    data: Path
    port: int
    google_port: int
    takeout: Path | None
    owner: str | None
    quota: int
    throwaway: bool
    ready: Path | None
    kms: bool

    @property
    def url(self) -> str:
        """Return where the product is."""
        return f"http://localhost:{self.port}"

    @property
    def google(self) -> str:
        """Return where the local Google is."""
        return f"http://127.0.0.1:{self.google_port}"


def main() -> int:
    """Run until Ctrl-C; return what the shell is to be told."""
    for number in STOPPING:
        signal.signal(number, signal.default_int_handler)
    try:
        with contextlib.ExitStack() as stack:
            try:
                run(read_options(), stack)
            finally:
                for number in STOPPING:  # stopping is not interrupted half-way
                    signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        print("\nStopped.")
    except AppError as error:
        print(f"\n{error.told}", file=sys.stderr)
        return 1
    return 0


def read_options() -> Options:
    """Return what the command line asks for, with ports and folders that can be used.

    Raises:
        CannotRun: with the reason.
    """
    parser = argparse.ArgumentParser(description="Run the whole product on this machine, beside a local Google.")
    parser.add_argument("--data", type=Path, default=ROOT / DATA_FOLDER, help="where everything is kept")
    parser.add_argument("--throwaway", action="store_true", help="keep nothing: all data go when it stops")
    parser.add_argument("--port", type=int, default=8080, help="of the product (0: any free one)")
    parser.add_argument("--google-port", type=int, default=None, help="of the local Google (default: the next)")
    parser.add_argument("--takeout", type=Path, help="a Google Takeout folder to be the local Google's mailbox")
    parser.add_argument("--owner", help="the address whose mailbox that folder is")
    parser.add_argument("--quota-per-minute", type=int, default=LOCAL_UNITS_PER_MINUTE, help="Gmail units a user")
    parser.add_argument("--kms", action="store_true", help="the root of all keys is at the local Google's Cloud KMS")
    parser.add_argument("--ready", type=Path, help="a file to be written, as JSON, when everything answers")
    asked = parser.parse_args()
    if asked.takeout is not None and not asked.takeout.is_dir():
        raise CannotRun(f"There is no folder {asked.takeout}: TAKEOUT must name an unpacked Google Takeout folder.")
    port = free_port(asked.port, "PORT")
    return Options(
        data=asked.data.absolute(),
        port=port,
        google_port=_google_port(asked.google_port, port),
        takeout=asked.takeout.absolute() if asked.takeout else None,
        owner=asked.owner,
        quota=asked.quota_per_minute,
        throwaway=asked.throwaway,
        ready=asked.ready,
        kms=asked.kms,
    )


def _google_port(asked: int | None, port: int) -> int:
    """Return the port of the local Google: the one asked for, else the product's next, else any."""
    if asked is not None:
        return free_port(asked, "GOOGLE_PORT")
    return port + 1 if port < LAST_PORT and _is_free(port + 1) else free_port(0, "GOOGLE_PORT")


def free_port(port: int, name: str) -> int:
    """Return `port`, or a free one for 0.

    The free one is of those that systems do not give to outgoing connections: another may be taken in the seconds
    until our program listens on it.

    Raises:
        CannotRun: when another program has it.
    """
    if port == 0:
        while not _is_free(port := secrets.choice(QUIET_PORTS)):
            pass
        return port
    if not 0 < port <= LAST_PORT:
        raise CannotRun(f"{name} must be a number from 1 to {LAST_PORT}.")
    if not _is_free(port):
        raise CannotRun(
            f"Port {port} is in use by another program: stop that one, or choose another port, "
            f"as in `make run {name}={port + 10 if port + 10 <= LAST_PORT else 8080}`."
        )
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def run(options: Options, stack: contextlib.ExitStack) -> None:
    """Start everything, say so, and keep it running until interrupted."""
    say("Starting the database and the queue")
    servers = stack.enter_context(embedded.throwaway() if options.throwaway else embedded.start(options.data))
    if options.throwaway:
        options = replace(options, data=servers.home / "product")  # goes with the servers, however they end
    logs = options.data / "logs"
    for folder in (options.data, logs, options.data / "keys"):
        folder.mkdir(mode=0o700, exist_ok=True)
    environment = settings_of(options, servers)
    stack.enter_context(_written_for_commands(options.data, environment))
    say("Bringing the tables up to date")
    migrate(environment, logs / "tables.log")
    supervised = stack.enter_context(embedded.Supervised(say))
    for program, probe in programs(options, environment, logs):
        supervised.start(program, probe, INDEXING_S if probe == options.google else embedded.READY_S)
        if options.kms and probe == options.google:
            _take_identity(options)
    tell(options, servers)
    if options.ready:
        options.ready.write_text(json.dumps({"url": options.url, "google": options.google, "data": str(options.data)}))
    supervised.keep_running(servers, parent=PARENT if options.throwaway else None)


def say(what: str) -> None:
    """Print one step."""
    print(f"  {what} …", flush=True)


def settings_of(options: Options, servers: embedded.Servers) -> dict[str, str]:
    """Return the product's settings, with secrets made on the first start."""
    kept = _kept_secrets(options.data / "secrets.json")
    return {
        "CRM_ENVIRONMENT": "embedded",
        "CRM_DATA_FOLDER": str(options.data),
        "DATABASE_URL": servers.database_url,
        "KEYS_DATABASE_URL": servers.keys_database_url,
        "REDIS_URL": servers.redis_url,
        "PUBLIC_URL": options.url,
        "SECRET_KEY": kept["secret_key"],
        "KEYRING_PATH": str(options.data / "keys" / "keyring.json"),
        "LOG_KEY_PATH": str(options.data / "keys" / "log-key.pem"),
        "GOOGLE_ROOT": options.google,
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": kept["google_client_secret"],
        "ADDON_SERVICE_ACCOUNT": ADDON_ACCOUNT,
        "GMAIL_UNITS_PER_MINUTE": str(options.quota),
        "SYNC_POLL_SECONDS": "15",
        "EGRESS_LOOPBACK": "1",
        **({"KMS_KEY": KMS_KEY, "KMS_CREDENTIALS": str(_identity_path(options))} if options.kms else {}),
    }


def _identity_path(options: Options) -> Path:
    return options.data / "keys" / "service-account.json"


def _take_identity(options: Options) -> None:
    """The product has a service account at the local Google, made on the first start."""
    path = _identity_path(options)
    if not path.exists():
        asked = Request(  # noqa: S310 -- the local Google's own address
            f"{options.google}/_control/service-account", b"{}", {"Content-Type": "application/json"}
        )
        with urlopen(asked, timeout=10) as answer:  # noqa: S310 -- as above
            _write_private(path, json.load(answer))


def _kept_secrets(path: Path) -> dict[str, str]:
    """Return the secrets of this data folder, made on the first start, readable by their owner alone."""
    try:
        found = json.loads(path.read_text())
        return {name: str(found[name]) for name in ("secret_key", "google_client_secret")}
    except FileNotFoundError:
        made = {"secret_key": secrets.token_hex(32), "google_client_secret": secrets.token_hex(24)}
        _write_private(path, made)
        return made
    except (ValueError, KeyError, TypeError) as error:
        raise CannotRun(
            f"{path} cannot be read: restore it from your backup, or remove it (everybody signs in again then)."
        ) from error


def _write_private(path: Path, content: Mapping[str, str]) -> None:
    """The file holds that JSON, whole, and only its owner can read it."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    unfinished.replace(path)


@contextlib.contextmanager
def _written_for_commands(data: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """While the block runs, `flask --app main …` in this checkout finds the running product."""
    path = data / RUN_FILE
    _write_private(path, environment)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def migrate(environment: Mapping[str, str], log: Path) -> None:
    """Both databases have every table of this version; done by a process of its own, which gives its memory back.

    Raises:
        CannotRun: when a step failed; a failed step changes nothing.
    """
    step = (
        "import migrations; from kernel.settings import Settings; from limited_use import egress; "
        "settings = Settings.from_environment(); egress.watch(settings); migrations.upgrade(settings)"
    )
    with log.open("w") as told:
        done = subprocess.run(  # noqa: S603 -- our own program, no shell
            [sys.executable, "-c", step],
            check=False,
            cwd=ROOT,
            env={**_around(), **environment},
            stdout=told,
            stderr=told,
        )
    if done.returncode:
        raise CannotRun(f"The tables could not be brought to this version: {log} says why; nothing was changed.")


def _around() -> dict[str, str]:
    """Return what our programs take over from the environment of this one."""
    around = {name: os.environ[name] for name in PASSED_ON if name in os.environ}  # noqa: TID251 -- passed on, not read
    return {**around, "PYTHONUNBUFFERED": "1"}


def programs(options: Options, environment: Mapping[str, str], logs: Path) -> list[tuple[embedded.Program, str | None]]:
    """Return what is to be started, in order, each with the address that answers when it is ready."""
    around = _around()

    def program(name: str, *arguments: str, secret: Mapping[str, str] | None = None) -> embedded.Program:
        return embedded.Program(
            name=name,
            command=[sys.executable, *arguments],
            log=logs / f"{name.replace(' ', '-')}.log",
            signals=[signal.SIGTERM],
            environment={**around, **(environment if secret is None else secret)},
            patience_s=15.0,
            folder=ROOT,
        )

    web = ["-m", "gunicorn", "--bind", f"127.0.0.1:{options.port}", "--worker-class", "gthread", "--threads", "8"]
    web += ["--graceful-timeout", "5", "--no-control-socket", "--log-level", "warning", "main:app"]
    return [
        (program("local Google", *google(options, environment["GOOGLE_CLIENT_SECRET"]), secret={}), options.google),
        (program("web", *web), options.url),
        (program("worker", "worker.py"), None),
    ]


def google(options: Options, client_secret: str) -> list[str]:
    """Return the command of the local Google. Each Takeout folder has a state of its own."""
    which = hashlib.sha256(str(options.takeout or "sample").encode()).hexdigest()[:12]
    state = options.data / "google" / which
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    arguments = ["-m", "emulator", "--port", str(options.google_port), "--state", str(state)]
    arguments += ["--client-id", CLIENT_ID, "--client-secret", client_secret]
    arguments += ["--redirect-uri", f"{options.url}/oauth/callback", "--addon-url", options.url]
    arguments += ["--quota-per-minute", str(options.quota)]
    if options.takeout:
        arguments += ["--takeout", str(options.takeout)]
    return [*arguments, *(["--owner", options.owner] if options.owner else [])]


def tell(options: Options, servers: embedded.Servers) -> None:
    """Print where everything is, what to try, and what to back up."""
    mailbox = f"the Takeout folder {options.takeout}" if options.takeout else "generated sample data of a sales team"
    kept = "Nothing is kept: all data go when this stops." if options.throwaway else _about_data(options, servers)
    print(f"""
CRM.io for Google Workspace runs.

  Open            {options.url}
  Local Google    {options.google}
                  Its mailbox is {mailbox}.
                  Add, change or delete a message, event or contact there, and watch the CRM follow.

  Try             1. Open {options.url} and choose Sign in with Google.
                  2. On Connections, connect Gmail, Calendar and Contacts, one at a time; untick what you like.
                  3. Watch the import, then search a person and open the timeline; add a note.
                  4. Read the Limited Use log and verify it.
                  5. Disconnect and delete, and see what is left.

{kept}
  Logs            {options.data / "logs"}

Nothing leaves this machine. Ctrl-C stops everything.
""")
    sys.stdout.flush()


def _about_data(options: Options, servers: embedded.Servers) -> str:
    """Return where the data lie and what their backup needs."""
    elsewhere = "" if servers.home.is_relative_to(options.data) else f" and {servers.home} (the databases)"
    return f"""  Data            {options.data}{elsewhere}
  Key file        {options.data / "keys" / "keyring.json"}
  Backup          Stop, then copy the data; keep the folder {options.data / "keys"} apart from them.
                  Without the key file nobody can read what was imported or typed, neither you nor we;
                  with it, whoever has the data can."""


if __name__ == "__main__":
    sys.exit(main())

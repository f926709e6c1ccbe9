"""Everything that can be set from outside: a frozen value, built once, its faults reported all together.

This is the only module that reads the environment. Every variable is explained in docs/operators/settings.md. A
program started without `DATABASE_URL` beside a running `make run` takes the settings of that run, from the file that
it keeps in its data folder, so that operators' commands work there too.
"""

import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

from kernel.errors import AppError

Environment = Literal["embedded", "own"]

DATA_FOLDER = ".data"
RUN_FILE = "environment.json"
GMAIL_UNITS_PER_MINUTE = 6_000
LOCAL_UNITS_PER_MINUTE = 150_000
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SECRET_LENGTH = 32
_SECRETS = frozenset({"secret_key", "google_client_secret", "smtp_password"})
_KMS_KEY = re.compile("projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[A-Za-z0-9_-]+")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+")
_LOG_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})


class SettingsError(AppError):
    """The environment cannot be used; `faults` holds one sentence for each thing to mend."""

    code = "settings"
    sentence = "The settings cannot be used."

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("The settings cannot be used:\n" + "\n".join(f"- {fault}" for fault in faults))


@dataclass(frozen=True)
class GoogleEndpoints:
    """Where Google is: the real one, or a local stand-in on loopback."""

    issuer: str = "https://accounts.google.com"
    authorize: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token: str = "https://oauth2.googleapis.com/token"  # noqa: S105 -- an address
    revoke: str = "https://oauth2.googleapis.com/revoke"
    certs: str = "https://www.googleapis.com/oauth2/v1/certs"
    userinfo: str = "https://openidconnect.googleapis.com/v1/userinfo"
    gmail_root: str = "https://gmail.googleapis.com/"
    calendar_root: str = "https://www.googleapis.com/"
    people_root: str = "https://people.googleapis.com/"
    kms_root: str = "https://cloudkms.googleapis.com/"

    @classmethod
    def under(cls, root: str) -> Self:
        """Return the endpoints of a stand-in that serves all of Google under `root`; it signs as Google does."""
        root = root.rstrip("/")
        return cls(
            authorize=f"{root}/o/oauth2/v2/auth",
            token=f"{root}/token",
            revoke=f"{root}/revoke",
            certs=f"{root}/oauth2/v1/certs",
            userinfo=f"{root}/v1/userinfo",
            gmail_root=f"{root}/",
            calendar_root=f"{root}/",
            people_root=f"{root}/",
            kms_root=f"{root}/",
        )


@dataclass(frozen=True, repr=False)
class Settings:
    """What was set. Its repr shows no secret and no password."""

    environment: Environment
    data_folder: Path
    database_url: str
    keys_database_url: str
    redis_url: str
    public_url: str
    secret_key: str
    keyring_path: Path | None
    kms_key: str
    kms_credentials: Path | None
    log_origin: str
    log_key_path: Path
    google: GoogleEndpoints
    google_client_id: str
    google_client_secret: str
    addon_client_id: str
    addon_service_account: str
    gmail_units_per_minute: int
    sync_poll_seconds: int
    web_threads: int
    log_level: str
    port: int
    on_app_engine: bool
    egress_proxy: str
    egress_ca_file: str
    egress_loopback: bool
    egress_landlock: bool
    smtp_url: str
    smtp_user: str
    smtp_password: str
    mail_from: str

    def __repr__(self) -> str:
        """Return all fields, with secrets and passwords masked."""
        shown = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _SECRETS:
                value = "***"
            elif field.name.endswith("_url"):
                value = _without_password(value)
            shown.append(f"{field.name}={value!r}")
        return f"Settings({', '.join(shown)})"

    @property
    def is_local_google(self) -> bool:
        """Tell whether Google is a stand-in on this machine."""
        return _is_loopback(self.google.gmail_root)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the settings that `environ` (by default this process's environment) describes.

        Raises:
            SettingsError: with every fault at once.
        """
        reader = _Reader(_with_running(os.environ if environ is None else environ))  # noqa: TID251 -- the one place
        read = (_read_places, _read_google, _read_numbers, _read_egress, _read_mail)
        settings = cls(**{name: value for part in read for name, value in part(reader).items()})  # type: ignore[arg-type]  # one dictionary of several types; every field is read by name below
        if settings.database_url and settings.database_url == settings.keys_database_url:
            reader.faults.append(
                "KEYS_DATABASE_URL must name another database than DATABASE_URL: "
                "keys in the data's own backups would protect nothing."
            )
        if reader.faults:
            raise SettingsError(reader.faults)
        return settings


class _Reader:
    """Reads variables one by one and collects the faults."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.faults: list[str] = []
        self._environ = environ

    def text(self, name: str, default: str | None = None, *, why: str = "") -> str:
        """Return the variable; without a default, its absence is a fault."""
        value = self._environ.get(name, "").strip()
        if value or default is not None:
            return value or str(default)
        self.faults.append(f"{name} is not set{': ' + why if why else ''}.")
        return ""

    def number(self, name: str, default: int, *, at_least: int, at_most: int) -> int:
        """Return the variable as a whole number within its bounds."""
        value = self._environ.get(name, "").strip()
        if not value:
            return default
        if value.isascii() and value.isdigit() and at_least <= int(value) <= at_most:
            return int(value)
        self.faults.append(f"{name} must be a whole number from {at_least} to {at_most}.")
        return default

    def checked(self, name: str, value: str, check: Callable[[str], bool], rule: str) -> str:
        """Return `value`; a fault when it is there and breaks the rule."""
        if value and not check(value):
            self.faults.append(f"{name} must be {rule}.")
        return value


def _read_places(reader: _Reader) -> dict[str, object]:
    """Return where data, keys and the product itself are."""
    environment = reader.text("CRM_ENVIRONMENT", "own")
    reader.checked("CRM_ENVIRONMENT", environment, lambda v: v in ("embedded", "own"), "'own' or 'embedded'")
    data_folder = Path(reader.text("CRM_DATA_FOLDER", DATA_FOLDER))
    why = "start `make run` to have everything set for you, or see docs/operators/settings.md"
    databases = {
        name: _psycopg(reader.checked(variable, reader.text(variable, why=why), _is_postgres, _POSTGRES_RULE))
        for name, variable in (("database_url", "DATABASE_URL"), ("keys_database_url", "KEYS_DATABASE_URL"))
    }
    redis_url = reader.text("REDIS_URL", why=why)
    reader.checked("REDIS_URL", redis_url, _is_redis, "an address like redis://host:6379/0, rediss:// or unix://")
    public_url = reader.text("PUBLIC_URL", why="the address under which people reach the product")
    reader.checked(
        "PUBLIC_URL", public_url, _is_public, "an https:// address without a path (http:// on loopback only)"
    )
    return {
        "environment": environment,
        "data_folder": data_folder,
        **databases,
        "redis_url": redis_url,
        "public_url": public_url.rstrip("/"),
        "secret_key": reader.checked(
            "SECRET_KEY",
            reader.text("SECRET_KEY", why="make one with `python -c 'import secrets; print(secrets.token_hex(32))'`"),
            lambda v: len(v) >= _SECRET_LENGTH,
            f"at least {_SECRET_LENGTH} characters long",
        ),
        **_read_root(reader),
        "log_origin": reader.text("LOG_ORIGIN", _origin(public_url)),
        "log_key_path": Path(reader.text("LOG_KEY_PATH", why="the file with the key that signs the log")),
    }


def _read_root(reader: _Reader) -> dict[str, object]:
    """Return where the key-encryption key is: at a key service, in a file, or on its way from the one to the other."""
    kms_key = reader.text("KMS_KEY", "")
    rule = "a key's name at Cloud KMS, projects/…/locations/…/keyRings/…/cryptoKeys/…"
    reader.checked("KMS_KEY", kms_key, lambda v: _KMS_KEY.fullmatch(v) is not None, rule)
    path = reader.text("KEYRING_PATH", "" if kms_key else None, why="the file with the key-encryption key, or KMS_KEY")
    credentials = reader.text("KMS_CREDENTIALS", "")
    return {
        "kms_key": kms_key,
        "keyring_path": Path(path) if path else None,
        "kms_credentials": Path(credentials) if credentials else None,
    }


def _read_google(reader: _Reader) -> dict[str, object]:
    """Return where Google is and who we are there."""
    root = reader.text("GOOGLE_ROOT", "")
    reader.checked("GOOGLE_ROOT", root, _is_loopback, "an http:// address on loopback, or not set for Google itself")
    client_id = reader.text("GOOGLE_CLIENT_ID", why="the OAuth client's id from the Google Cloud console")
    return {
        "google": GoogleEndpoints.under(root) if root else GoogleEndpoints(),
        "google_client_id": client_id,
        "google_client_secret": reader.text("GOOGLE_CLIENT_SECRET", why="the OAuth client's secret"),
        "addon_client_id": reader.text("ADDON_CLIENT_ID", client_id),
        "addon_service_account": reader.text("ADDON_SERVICE_ACCOUNT", ""),
        "gmail_units_per_minute": reader.number(
            "GMAIL_UNITS_PER_MINUTE",
            LOCAL_UNITS_PER_MINUTE if root else GMAIL_UNITS_PER_MINUTE,
            at_least=100,
            at_most=10_000_000,
        ),
    }


def _read_numbers(reader: _Reader) -> dict[str, object]:
    """Return paces and sizes."""
    level = reader.text("LOG_LEVEL", "INFO").upper()
    return {
        "sync_poll_seconds": reader.number("SYNC_POLL_SECONDS", 60, at_least=1, at_most=86_400),
        "web_threads": reader.number("WEB_THREADS", 8, at_least=1, at_most=256),
        "log_level": reader.checked("LOG_LEVEL", level, lambda v: v in _LOG_LEVELS, "DEBUG, INFO, WARNING or ERROR"),
        "port": reader.number("PORT", 0, at_least=0, at_most=65_535),
        "on_app_engine": bool(reader.text("GAE_INSTANCE", "")),
    }


def _read_egress(reader: _Reader) -> dict[str, object]:
    """Return how requests leave."""
    embedded = reader.text("CRM_ENVIRONMENT", "own") == "embedded"
    loopback = reader.text("EGRESS_LOOPBACK", "")
    reader.checked("EGRESS_LOOPBACK", loopback, lambda v: v == "1" and embedded, "1, and is for 'embedded' only")
    landlock = reader.text("EGRESS_LANDLOCK", "1")
    reader.checked("EGRESS_LANDLOCK", landlock, lambda v: v in ("0", "1"), "1 or 0")
    ca_file = reader.text("EGRESS_CA_FILE", "")
    return {
        "egress_proxy": reader.checked(
            "EGRESS_PROXY",
            reader.text("EGRESS_PROXY", ""),
            _is_proxy,
            "like http://host:3128 or unix:///run/egress.sock",
        ),
        "egress_ca_file": reader.checked(
            "EGRESS_CA_FILE", ca_file, lambda v: Path(v).is_file(), "a file with certificates of authorities (PEM)"
        ),
        "egress_loopback": loopback == "1",
        "egress_landlock": landlock == "1",
    }


def _read_mail(reader: _Reader) -> dict[str, object]:
    """Return how mail leaves; without a server none does."""
    url = reader.text("SMTP_URL", "")
    reader.checked("SMTP_URL", url, _is_smtp, "like smtps://mail.example.com:465 or smtp://mail.example.com:587")
    sender = reader.text("MAIL_FROM", None if _is_smtp(url) else "", why="the address that mail comes from")
    return {
        "smtp_url": url,
        "smtp_user": reader.text("SMTP_USER", ""),
        "smtp_password": reader.text("SMTP_PASSWORD", ""),
        "mail_from": reader.checked(
            "MAIL_FROM", sender, lambda v: _ADDRESS.fullmatch(v) is not None, "one address, like crm@example.com"
        ),
    }


def _with_running(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return `environ`, completed by what a running `make run` wrote down if no database is set in it.

    The file is taken only when it is private to this user: it decides which servers are trusted.
    """
    if environ.get("DATABASE_URL"):
        return environ
    path = Path(environ.get("CRM_DATA_FOLDER") or DATA_FOLDER) / RUN_FILE
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            return environ
        written = json.loads(path.read_text())
    except (OSError, ValueError):
        return environ
    if not isinstance(written, dict) or not _is_there(str(written.get("REDIS_URL", ""))):
        return environ
    return {**written, **environ}


def _is_there(redis_url: str) -> bool:
    """Tell whether the socket exists, if it is one: a run that was killed leaves its file, but no socket."""
    parts = urlsplit(redis_url)
    return parts.scheme != "unix" or Path(parts.path).exists()


_POSTGRES_RULE = "an address like postgresql://user:password@host/database"


def _is_postgres(url: str) -> bool:
    return urlsplit(url).scheme in ("postgres", "postgresql", "postgresql+psycopg")


def _psycopg(url: str) -> str:
    """Return the address with our driver named in it."""
    return "postgresql+psycopg://" + url.split("://", 1)[1] if _is_postgres(url) else url


def _is_redis(url: str) -> bool:
    return urlsplit(url).scheme in ("redis", "rediss", "unix")


def _is_smtp(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme in ("smtp", "smtps") and bare and bool(parts.hostname) and bool(port)


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme == "unix":
        return parts.path.startswith("/") and not parts.netloc
    bare = not (parts.path.strip("/") or parts.query or parts.username)
    return parts.scheme == "http" and bare and bool(parts.hostname) and port != 0


def _host(url: str) -> str:
    """Return the host of an address, empty when it has none that can be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(url: str) -> bool:
    return url.startswith("http://") and _host(url) in _LOOPBACK


def _is_public(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    clean = not (parts.query or parts.fragment or parts.username or parts.path.strip("/"))
    return clean and (bool(parts.scheme == "https" and parts.hostname) or _is_loopback(url))


def _origin(public_url: str) -> str:
    """Return the log's name by default: the host it is served on (C2SP checkpoints: a schema-less address)."""
    return f"{_host(public_url) or 'localhost'}/limited-use-log"


def _without_password(url: str) -> str:
    """Return the address with its password masked."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user = parts.username or ""
    return urlunsplit(parts._replace(netloc=f"{user}:***@{parts.netloc.rpartition('@')[2]}"))

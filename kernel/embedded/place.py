"""Where the embedded servers live: the account they run as, their home, its lock, and the folder of their sockets.

PostgreSQL refuses to run as root. Started by root, both servers run as `nobody`, and their home lies in the asked-for
folder only when that account can reach it; else under /var/lib, with a pointer file left in the asked-for folder. The
home itself always belongs to whoever starts the servers; only the two data folders and the socket folder belong to
the account. So nothing that the starter writes can be bent by the account.
"""

import fcntl
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from kernel.embedded.errors import EmbeddedCorruptError, EmbeddedFolderError, EmbeddedRunningError

_POINTER = "servers.path"
_ROOTS_HOMES = Path("/var/lib/crmio")
_SHORT_FOLDER = "/tmp"  # noqa: S108 -- a socket's path has at most about 104 bytes; the folder made in it is 0700
_STOPPING_S = 20.0


class Who(TypedDict, total=False):
    """What `subprocess` wants to run a program as somebody else."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """The unprivileged account that runs the servers when root starts them."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Home:
    """The folder of one set of servers, and the account that runs them (None: whoever starts them)."""

    path: Path
    account: Account | None

    @property
    def lock_path(self) -> Path:
        """Return the file that is locked while the servers run."""
        return self.path / "lock"

    def own_folder(self, name: str) -> Path:
        """Return a folder in the home, made now if absent, that only the servers' account may enter."""
        folder = self.path / name
        if not folder.is_dir():
            folder.mkdir(mode=0o700)
            self.give(folder)
        return folder

    def give(self, path: Path) -> None:
        """Make a file or folder that we just made belong to the servers' account."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)


def run_as(who: Account | None) -> Who:
    """Return the arguments with which `subprocess` starts a program as that account (None: as ourselves)."""
    return {"user": who.uid, "group": who.gid, "extra_groups": []} if who else {}


def plain_environment() -> dict[str, str]:
    """Return the environment of the servers: nothing of ours, so nothing secret is handed on."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def account() -> Account | None:
    """Return the account that runs the servers: None unless root starts them.

    Raises:
        EmbeddedFolderError: when the machine has no account `nobody`, or does not let it be used.
    """
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedFolderError(
            "The servers must not run as root and this machine has no account 'nobody': start as an ordinary user."
        ) from error
    found = Account(nobody.pw_uid, nobody.pw_gid)
    try:
        subprocess.run(["/bin/sh", "-c", ":"], check=True, cwd="/", env=plain_environment(), **run_as(found))
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedFolderError(
            "The servers must not run as root and this machine lets root use no other account: "
            "start as an ordinary user."
        ) from error
    return found


def home_of(folder: Path) -> Home:
    """Return the home of the servers for `folder`, both made now if absent."""
    folder = folder.absolute()
    who = account()
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
    pointer = folder / _POINTER
    if who is None or (not pointer.exists() and _may_enter(folder, who)):
        return _made(folder / "servers", who)
    if pointer.exists():
        return _pointed(pointer, who)
    _made(_ROOTS_HOMES, who)
    path = _ROOTS_HOMES / hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    home = _made(path, who)
    pointer.write_text(f"{path}\n")
    return home


def throwaway_home() -> Home:
    """Return a fresh home that may be removed when its servers end."""
    who = account()
    path = Path(tempfile.mkdtemp(prefix="crmio-data-", dir=_SHORT_FOLDER))
    if who:
        path.chmod(0o711)  # ours, made just now: the account must pass through to its own folders
    return Home(path, who)


def _pointed(pointer: Path, who: Account) -> Home:
    """Return the home that an earlier start by root left elsewhere."""
    path = Path(pointer.read_text().strip())
    if not path.is_dir():
        raise EmbeddedCorruptError(
            f"The data of this folder were kept in {path}, which is gone: put it back, "
            f"or remove {pointer} to start empty."
        )
    return _made(path, who)


def _made(path: Path, who: Account | None) -> Home:
    """Return the home at `path`, made if absent; refuses one that somebody else owns or may write to."""
    if not path.is_dir():
        path.mkdir(mode=0o711 if who else 0o700)
    found = path.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise EmbeddedFolderError(
            f"{path} belongs to, or can be written by, somebody else: choose another data folder, "
            "or start as its owner."
        )
    return Home(path, who)


def _may_enter(folder: Path, who: Account) -> bool:
    """Tell whether the account can pass through `folder`; asked of the system, which also knows access lists."""
    asked = subprocess.run(  # noqa: S603 -- a fixed program, the folder is its argument
        ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
        check=False,
        capture_output=True,
        cwd="/",
        env=plain_environment(),
        **run_as(who),
    )
    return asked.returncode == 0


def socket_folder(home: Home) -> Path:
    """Return a fresh private folder with a short path; its random name cannot be taken beforehand by others."""
    folder = Path(tempfile.mkdtemp(prefix="crmio-", dir=_SHORT_FOLDER))
    home.give(folder)
    return folder


def remove_left_sockets(home: Home) -> None:
    """The socket folder of an earlier start is gone; the lock says that nobody uses it any more."""
    told = str(read_state(home).get("sockets") or "")
    owners = (os.geteuid(), home.account.uid if home.account else os.geteuid())
    folder = Path(told)
    if str(folder.parent) != _SHORT_FOLDER or not folder.name.startswith("crmio-") or folder.is_symlink():
        return
    if folder.is_dir() and folder.stat().st_uid in owners:
        shutil.rmtree(folder, ignore_errors=True)


def take_lock(home: Home) -> int:
    """Return the open, locked lock file of the home: whoever holds a copy of this descriptor holds the lock.

    Servers whose starter was killed are given time to end.

    Raises:
        EmbeddedRunningError: when the servers of this home run.
    """
    descriptor = os.open(home.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    until = time.monotonic() + _STOPPING_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            starter = int(read_state(home).get("starter", 0))
            if _alive(starter) or time.monotonic() > until:
                os.close(descriptor)
                raise EmbeddedRunningError(
                    f"The servers of {home.path} are already running, started by process {starter}: "
                    "use that one, or stop it first."
                ) from error
            time.sleep(0.1)
        else:
            return descriptor


def is_locked(home: Home) -> bool:
    """Tell whether servers run in this home."""
    try:
        descriptor = os.open(home.lock_path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_state(home: Home) -> dict[str, Any]:
    """Return what the present or last start wrote down: its process and the folder of its sockets."""
    try:
        state = json.loads((home.path / "servers.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(home: Home, sockets: Path | None) -> None:
    """Write down who starts the servers and, once they answer, where: for others who look for them."""
    unfinished = home.path / "servers.json.unfinished"
    unfinished.write_text(json.dumps({"starter": os.getpid(), "sockets": str(sockets) if sockets else None}))
    unfinished.rename(home.path / "servers.json")


def _alive(process: int) -> bool:
    """Tell whether a process of this number exists."""
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

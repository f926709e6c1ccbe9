"""What pyproject.toml names is what the locked files hold: every package at one version, with its hashes."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {
    "requirements.txt": (),
    "requirements-embedded.txt": ("embedded",),
    "requirements-dev.txt": ("embedded", "dev"),
}
NAMED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([a-z,]+)\])?(>=[0-9.]+)?$")
PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;\\]+)(?: ; ([^\\]+?))?\s+--hash")


@dataclass(frozen=True)
class Pin:
    """One locked package; `where` says for which Pythons or systems, if not for all."""

    name: str
    version: str
    where: str
    hashes: tuple[str, ...]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def named(extras: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Return what is asked for, each with the least version that will do."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    wanted = {}
    for spelled in (one for several in lists for one in several):
        found = NAMED.fullmatch(spelled)
        assert found, f"{spelled}: name it, with at most a least version; the locked files say which exactly"
        wanted[canonical(found[1])] = numbers((found[3] or "")[2:])
    return wanted


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def locked(name: str) -> frozenset[Pin]:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    pins: dict[tuple[str, str], Pin] = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            found = PINNED.match(line)
            assert found, f"{name}: {line[:60]} is not pinned with hashes"
            hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", line))
            pin = Pin(canonical(found[1]), found[2], found[3] or "", hashes)
            assert (pin.name, pin.where) not in pins, f"{name} pins {pin.name} twice"
            pins[pin.name, pin.where] = pin
    return frozenset(pins.values())


@pytest.mark.parametrize("name", FILES)
def test_each_package_that_is_named_is_locked(name: str) -> None:
    pins = locked(name)
    for package, least in named(FILES[name]).items():
        versions = [pin.version for pin in pins if pin.name == package]
        assert versions, f"{name} lacks {package}: run `make lock`"
        assert all(numbers(version) >= least for version in versions)


@pytest.mark.parametrize("name", FILES)
def test_each_locked_package_has_hashes(name: str) -> None:
    assert [pin.name for pin in locked(name) if not pin.hashes] == []


def test_the_three_files_agree_on_every_version() -> None:
    product, embedded, tools = (locked(name) for name in FILES)
    assert product < embedded < tools


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_locked_from_anywhere_but_a_package_index(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"^(?:--|-e|-i|git\+|https?:)|@ ", text, re.MULTILINE)
    assert "://" not in text

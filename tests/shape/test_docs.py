"""What is written for people is true: the folder map, the settings, the links, the commands."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from kernel.settings import Settings, SettingsError
from tests.shape.test_tree import OTHER_FOLDERS, PACKAGES, tracked

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [path for path in tracked() if path.suffix == ".md"]


class Watched(Mapping[str, str]):
    """An environment that keeps in mind which variables were looked at."""

    def __init__(self, content: dict[str, str]) -> None:
        self.content = content
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return self.content[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.content)

    def __len__(self) -> int:
        return len(self.content)


def test_every_variable_that_is_read_is_explained_and_no_other(tmp_path: Path) -> None:
    environ = Watched({"CRM_DATA_FOLDER": str(tmp_path)})
    with pytest.raises(SettingsError):
        Settings.from_environment(environ)
    table = (ROOT / "docs" / "operators" / "settings.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", table, re.MULTILINE)
    assert len(explained) == len(set(explained))
    assert set(explained) == environ.read


def test_only_the_settings_read_the_environment() -> None:
    for path in tracked():
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES:
            text = path.read_text(encoding="utf-8")
            reads = re.findall(r"^(?!.*# noqa: TID251 -- .+).*\bos\.(?:environ|getenv)\b.*$", text, re.MULTILINE)
            assert reads == [], path.relative_to(ROOT)


def test_the_folder_map_names_each_folder_once() -> None:
    rows = re.findall(r"^\| ((?:`[a-z_]+/` ?)+)\|", README, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`([a-z_]+)/`", row)]
    assert len(named) == len(set(named))
    assert set(named) == {name for name in PACKAGES | OTHER_FOLDERS if not name.startswith(".")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith(("#", "mailto:")):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_each_command_that_is_told_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    told = {name for page in PAGES for name in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8"))}
    assert {"run", "demo", "test", "check", "bench", "help"} <= targets
    assert told <= targets


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [name[:4] for name in names] == [f"{number:04d}" for number in range(1, len(names) + 1)]
    for name in names:
        text = (ROOT / "docs" / "decisions" / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {int(name[:4])}. ")
        assert re.search(r"^Date: \d{4}-\d\d-\d\d · Status: \w+", text, re.MULTILINE)


def test_the_changelog_speaks_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{version}]" in text or f"## {version}" in text or "## [Unreleased]" in text or "## Unreleased" in text

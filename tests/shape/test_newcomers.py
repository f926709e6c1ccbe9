"""The guides for newcomers, followed to the letter in a copy of the project; and each step of them forgotten.

Code and text to add stand in the guides themselves, so that neither can go stale: a guide that no longer leads to a
passing build, or a forgotten step that the build does not notice, fails here.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kernel.database import labelled

ROOT = Path(__file__).parents[2]
COPIED = (
    "kernel", "accounts", "limited_use", "workspace", "oauth", "crm", "sync", "privacy", "addon", "web", "emulator",
    "demo", "bench", "migrations", "docs", "tests", "pyproject.toml", "main.py", "worker.py", "run.py",
)  # fmt: skip
MODEL = "crm/models/attachments.py"
QUERY = "crm/attachments.py"
ADAPTOR = "limited_use/sinks/printout.py"
TESTS = "tests/limited_use/test_printout.py"
DRAFT = ("-m", "migrations", "files that come with messages", "attachments")
Checkout = Callable[[], "Copy"]


class Copy:
    """A copy of the project in which a newcomer works."""

    def __init__(self, folder: Path, servers: Any) -> None:
        self.folder = folder
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},  # noqa: TID251 -- passed on
            "PYTHONDONTWRITEBYTECODE": "1",
            "DATABASE_URL": servers.database_url,
            "KEYS_DATABASE_URL": servers.keys_database_url,
            "REDIS_URL": servers.redis_url,
        }
        leave = shutil.ignore_patterns("__pycache__", ".*")
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=leave)
            else:
                shutil.copy(source, folder / name)

    def write(self, files: dict[str, str]) -> None:
        for name, content in files.items():
            (self.folder / name).write_text(content)

    def insert(self, name: str, added: str, before: str = "") -> None:
        """The text stands in the file before the last place of `before`, or at the end."""
        path = self.folder / name
        head, mark, tail = path.read_text().rpartition(before) if before else (path.read_text(), "", "")
        path.write_text(head + added + mark + tail)

    def run(self, *arguments: str) -> str:
        """Return what a Python program says, with its exit code in front."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        return f"exit {done.returncode}\n{done.stdout}{done.stderr}"

    def build(self, *tests: str) -> str:
        return self.run("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *tests)


@pytest.fixture
def checkout(tmp_path: Path, servers: Any) -> Checkout:
    """A maker of copies."""
    return lambda: Copy(tmp_path, servers)


def files_of(guide: str) -> dict[str, str]:
    """Return the whole files that a guide gives, by path."""
    found = re.findall(
        r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```$", (ROOT / "docs" / guide).read_text(), re.MULTILINE | re.DOTALL
    )
    return dict(found)


def added_by(guide: str) -> list[str]:
    """Return what a guide adds to files that exist, in order."""
    return re.findall(r"^```\w+ add\n(.*?)^```$", (ROOT / "docs" / guide).read_text(), re.MULTILINE | re.DOTALL)


def said_of(guide: str) -> dict[str, str]:
    """Return what the guide promises that the build says, by what was forgotten."""
    rows = re.findall(r"^\| ([^|]+) \| `+(.+?)(?: …)?`+ \|$", (ROOT / "docs" / guide).read_text(), re.MULTILINE)
    return {forgotten: said.strip() for forgotten, said in rows}


# --- a table

TABLE = files_of("adding-a-table.md")
TABLE_SAID = said_of("adding-a-table.md")
COLUMNS, PURGE, LABELLED = (f"tests/shape/test_{name}.py" for name in ("columns", "purge", "labelled"))
MIGRATIONS = "tests/shape/test_migrations.py"
SIZE = 'size: Mapped[int] = labelled(aspect=Aspect.CONTENT, doc="Bytes, as Gmail tells.")'
GRANT = 'grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), index=True, doc="Whose mailbox.")'
FORGOTTEN = {
    "a column's class": (MODEL, SIZE, "size: Mapped[int]"),
    "its aspect": (MODEL, SIZE, SIZE.replace("aspect=Aspect.CONTENT, ", "")),
    "`grant_id` on a labelled column's table": (MODEL, f"    {GRANT}\n", ""),
    "the index on it": (MODEL, GRANT, GRANT.replace("index=True, ", "")),
    "`organisation_id` beside sealed columns": (
        MODEL, '    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")\n', "",
    ),
    "the class of a row's field": (QUERY, "size: Labelled[int]", "size: int"),
}  # fmt: skip
"""By what the guide calls it: the file, what stands there, what stands there when it was forgotten."""


def test_the_guide_to_tables_leads_to_a_passing_build(checkout: Checkout) -> None:
    copy = checkout()
    copy.write(TABLE)
    assert copy.run(*DRAFT).startswith("exit 0"), "the step was not drafted"
    assert copy.run("-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), *TABLE).startswith("exit 0")
    assert copy.run("-m", "ruff", "format", "--check", *TABLE).startswith("exit 0")
    told = copy.build(COLUMNS, PURGE, LABELLED, MIGRATIONS)
    assert told.startswith("exit 0"), told


@pytest.fixture(scope="module")
def told_of_forgotten(tmp_path_factory: pytest.TempPathFactory, servers: Any) -> str:
    """What the build says when each step is forgotten for a table of its own, and the step of the database for all."""
    copy = Copy(tmp_path_factory.mktemp("forgotten"), servers)
    for number, (file, right, wrong) in enumerate(FORGOTTEN.values()):
        assert right in TABLE[file]
        for name, text in (TABLE | {file: TABLE[file].replace(right, wrong)}).items():
            copy.write({name.replace(".py", f"_{number}.py"): numbered(text, number)})
    copy.write({"web/pages/attachments.py": numbered(TABLE[QUERY], 1) + "\n\nLARGE = Attachment1.size > 1\n"})
    return copy.build(COLUMNS, PURGE, LABELLED, MIGRATIONS, "-k", "ttachment or sealed_columns or where_the_models_are")


def numbered(text: str, number: int) -> str:
    """Return a file of the guide with names of its own."""
    text = re.sub(r"\bAttachment(Row)?\b", rf"Attachment{number}\1", text)
    return text.replace('"attachments"', f'"attachments_{number}"').replace(".attachments ", f".attachments_{number} ")


@pytest.mark.parametrize("forgotten", FORGOTTEN)
def test_a_forgotten_step_of_a_table_fails_the_build_with_what_to_do(told_of_forgotten: str, forgotten: str) -> None:
    number = list(FORGOTTEN).index(forgotten)
    said = re.escape(TABLE_SAID[forgotten])
    assert re.search(
        rf"[aA]ttachments?_?{number}(Row)?(\.\w+)? .*{said}|{said}.*ttachments?_?{number}", told_of_forgotten
    )


@pytest.mark.parametrize("forgotten", ["the step", "the query module"])
def test_a_forgotten_step_around_the_table_fails_the_build(told_of_forgotten: str, forgotten: str) -> None:
    assert TABLE_SAID[forgotten] in told_of_forgotten


def test_a_column_without_its_meaning_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match=TABLE_SAID["its `doc`"]):
        labelled()


# --- a sink

SINK = files_of("adding-a-sink.md")
SINK_SAID = said_of("adding-a-sink.md")
SINKS = "tests/shape/test_sinks.py"
POLICY = "tests/limited_use/test_policy.py"
UNGUARDED = '''"""Prints."""


def text(lines: list[str]) -> bytes:
    """Return the lines."""
    return "".join(lines).encode()
'''


def add_the_sink(copy: Copy, *, without: str = "") -> None:
    """The copy has the sink of the guide, but for what is forgotten."""
    word, rules, seen, row = added_by("adding-a-sink.md")
    left_out = {"the adaptor": ADAPTOR, "the tests": TESTS}.get(without)
    files = {name: text for name, text in SINK.items() if name != left_out}
    if without == "asking the guard":
        files[ADAPTOR] = UNGUARDED
    copy.write(files)
    if not without.startswith("the word"):
        copy.insert("limited_use/log/words.py", word, before='    UNKNOWN = "unknown"')
    if not without.endswith("the rules"):
        copy.insert("limited_use/policy.toml", "\n" + rules)
    if without not in {"the word", "the word, and the rules", "who may see there what Google gave"}:
        copy.insert("tests/limited_use/test_policy.py", seen, before='}\n"""Who may see')
    if without != "the guide":
        copy.insert("docs/limited-use.md", row, before="| `ai_tool` |")


def test_the_guide_to_sinks_leads_to_a_passing_build(checkout: Checkout) -> None:
    copy = checkout()
    add_the_sink(copy)
    assert copy.run("-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), *SINK).startswith("exit 0")
    assert copy.run("-m", "ruff", "format", "--check", *SINK).startswith("exit 0")
    told = copy.build(SINKS, TESTS, POLICY)
    assert told.startswith("exit 0"), told


@pytest.mark.parametrize("forgotten", SINK_SAID)
def test_a_forgotten_step_of_a_sink_fails_the_build_with_what_to_do(checkout: Checkout, forgotten: str) -> None:
    copy = checkout()
    add_the_sink(copy, without=forgotten)
    told = copy.build(SINKS, f"{POLICY}::test_the_whole_finite_domain_keeps_the_invariants")
    assert not told.startswith("exit 0")
    assert SINK_SAID[forgotten] in told

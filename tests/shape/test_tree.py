"""The shape of the repository: its folders, the direction of imports, the size of its files, its words."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PACKAGES = {
    "accounts", "addon", "bench", "crm", "demo", "emulator", "kernel", "limited_use", "migrations", "oauth",
    "privacy", "sync", "web", "workspace",
}  # fmt: skip
OTHER_FOLDERS = {"docs", "tests", ".ci"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "services", "managers", "misc", "lib"}
HIDING_NAMES = {"google", "queue", "calendar", "email", "token", "secrets", "platform", "http", "types"}


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def test_the_root_holds_the_folders_of_the_design_and_no_other() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if len(path.relative_to(ROOT).parts) > 1}
    assert folders == PACKAGES | OTHER_FOLDERS


def test_no_folder_or_module_is_a_swamp_or_hides_a_real_module() -> None:
    for path in python_files():
        names = {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
        assert not names & FORBIDDEN_NAMES, path
        assert path.relative_to(ROOT).parts[0].removesuffix(".py") not in HIDING_NAMES, path


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_each_package_says_its_concept(package: str) -> None:
    text = (ROOT / package / "__init__.py").read_text()
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring is not None
    assert len(docstring) > 40


def test_each_module_has_a_docstring() -> None:
    bare = [
        path.relative_to(ROOT)
        for path in python_files()
        if path.relative_to(ROOT).parts[0] in PACKAGES
        and "versions" not in path.parts
        and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert bare == []


def test_no_python_file_is_above_400_lines() -> None:
    long = {str(path.relative_to(ROOT)): count for path in python_files() if (count := _lines(path)) > 400}
    assert long == {}


def _lines(path: Path) -> int:
    return path.read_text().count("\n")


def test_imports_flow_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_nothing_commits_but_a_unit_of_work() -> None:
    allowed = {"kernel/work.py"}
    for path in python_files():
        relative = str(path.relative_to(ROOT))
        if relative.split("/", maxsplit=1)[0] not in PACKAGES - {"emulator", "demo", "bench", "migrations"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
                assert relative in allowed, f"{relative}:{node.lineno} commits by itself"


def test_every_silenced_check_has_a_code_and_a_reason() -> None:
    bad = []
    for path in python_files():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for mark in ("# noqa", "# type: ignore"):
                if mark not in line or 'mark in ("#' in line:
                    continue
                tail = line.split(mark, 1)[1]
                coded = tail.startswith((": ", "["))
                reasoned = "--" in tail or "#" in tail
                if not (coded and reasoned):
                    bad.append(f"{path.relative_to(ROOT)}:{number}")
    assert bad == []

"""Why, for which feature and where to is said in the code of a route or job, never by who calls it.

An asking is made where these stand as words; what a request or a job brings cannot become one of them. The sink and
the destination of a program belong to its token (`Credential.asking`); those of a webhook to its row.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("kernel", "accounts", "limited_use", "workspace", "oauth", "crm", "sync", "privacy", "addon", "web")
MAKERS = {
    "addon/answers.py",
    "crm/webhooks/jobs.py",
    "limited_use/destinations.py",
    "oauth/custody.py",
    "oauth/revocation.py",
    "privacy/notices.py",
    "sync/access.py",
    "web/commands/measure.py",
    "web/commands/probe.py",
    "web/pages/export.py",
    "web/render.py",
}
"""Where an asking may be made: each is read by whoever reviews a new one."""
FIELDS = ("organisation_id", "member_id", "actor", "feature", "purpose", "sink", "destination")
WORDS = {"purpose": "Purpose", "sink": "Sink"}
CREDENTIAL = {
    ("limited_use/destinations.py", "sink", "self.sink"),
    ("limited_use/destinations.py", "purpose", "purpose"),
}
"""The token's own sink; and a purpose that the route names, as is checked below."""
CHOSEN_BY_CALLERS = {"request", "g", "form", "args", "headers", "cookies", "json", "values", "session"}

TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for package in PRODUCT
    for path in sorted((ROOT / package).rglob("*.py"))
}


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """Yield every call of a function or method of that name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) == name:
                yield node


def constants(tree: ast.Module) -> set[str]:
    """Return the module's names that stand for one text."""
    return {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def is_fixed(node: ast.expr, tree: ast.Module) -> bool:
    """Tell whether the expression is one text, written in the code."""
    text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return text or (isinstance(node, ast.Name) and node.id in constants(tree))


def said(call: ast.Call) -> dict[str, ast.expr]:
    """Return what an asking is made of, by field."""
    return dict(zip(FIELDS, call.args, strict=False)) | {word.arg: word.value for word in call.keywords if word.arg}


ASKINGS = [
    pytest.param(path, call, id=f"{path}:{call.lineno}")
    for path, tree in TREES.items()
    for call in calls(tree, "Asking")
]


def test_askings_are_made_where_a_reviewer_looks() -> None:
    made = {path for path, tree in TREES.items() if any(calls(tree, "Asking"))}
    assert made == MAKERS, "an asking is made elsewhere: let it be made by one of these, or add it here after a review"


def faults(path: str, call: ast.Call, tree: ast.Module) -> list[str]:
    """Return what is wrong with an asking, a word each."""
    found, fields = [], said(call)
    for field, kind in WORDS.items():
        value = fields[field]
        fixed = isinstance(value, ast.Attribute) and ast.unparse(value.value) == kind
        if not fixed and (path, field, ast.unparse(value)) not in CREDENTIAL:
            found.append(f"{field} is no word")
    handed_on = path in {"web/render.py", "limited_use/destinations.py"} and ast.unparse(fields["feature"]) == "feature"
    if not handed_on and not is_fixed(fields["feature"], tree):
        found.append("feature is no word")
    for field, value in fields.items():
        used = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
        used |= {node.attr for node in ast.walk(value) if isinstance(node, ast.Attribute)}
        if used & CHOSEN_BY_CALLERS:
            found.append(f"{field} comes from the caller")
    return found


@pytest.mark.parametrize(("path", "call"), ASKINGS)
def test_an_asking_is_made_of_words_of_the_code(path: str, call: ast.Call) -> None:
    assert faults(path, call, TREES[path]) == [], f"{path}:{call.lineno}"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ('Asking(o, m, a, "people", Purpose.LEGAL, Sink(sink))', ["sink is no word"]),
        ('Asking(o, m, a, "people", purpose, Sink.API)', ["purpose is no word"]),
        ("Asking(o, m, a, FEATURE, Purpose.LEGAL, Sink.API)", []),
        ("Asking(o, m, a, feature, Purpose.LEGAL, Sink.API)", ["feature is no word"]),
        ('Asking(o, m, a, "x", Purpose.LEGAL, Sink.API, request.args["to"])', ["destination comes from the caller"]),
        (
            'Asking(o, m, a, "x", sink=Sink.API, purpose=Purpose(form["why"]))',
            ["purpose is no word", "purpose comes from the caller"],
        ),
    ],
    ids=["sink", "purpose", "good", "feature", "destination", "form"],
)
def test_this_test_finds_what_it_looks_for(written: str, found: list[str]) -> None:
    tree = ast.parse(f'FEATURE = "people"\n{written}')
    (call,) = calls(tree, "Asking")
    assert faults("web/pages/new.py", call, tree) == found


@pytest.mark.parametrize("path", [path for path in TREES if path.startswith(("web/", "addon/"))])
def test_a_route_says_its_feature_in_words(path: str) -> None:
    tree = TREES[path]
    for name in ("page", "asking"):
        for call in calls(tree, name):
            words = {word.arg: word.value for word in call.keywords}
            feature = words.get("feature") or (call.args[0] if name == "asking" and call.args else None)
            if feature is not None and (path, ast.unparse(feature)) != ("web/render.py", "feature"):
                assert is_fixed(feature, tree), f"{path}:{call.lineno}: the feature is {ast.unparse(feature)}"
            if "purpose" in words:
                assert ast.unparse(words["purpose"]).startswith("Purpose."), f"{path}:{call.lineno}"


def test_an_asking_is_changed_for_the_staff_sink_alone() -> None:
    changed = {
        (path, ast.unparse(word.value))
        for path, tree in TREES.items()
        for call in calls(tree, "replace")
        for word in call.keywords
        if word.arg == "sink"
    }
    assert changed == {("web/render.py", "Sink.STAFF")}


def test_what_a_job_is_handed_is_ids_so_that_none_can_name_a_sink() -> None:
    enqueued = {path: list(calls(tree, "enqueue_call")) for path, tree in TREES.items()}
    found = {path: found for path, found in enqueued.items() if found}
    assert set(found) == {"kernel/jobs/queue.py"}
    (call,) = found["kernel/jobs/queue.py"]
    (args,) = [word.value for word in call.keywords if word.arg == "args"]
    assert ast.unparse(args) == "(str(run_id), lease)"

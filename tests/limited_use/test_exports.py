"""Files and AI exports: released a thousand records at a time, formulas disarmed, Google's values never for AI."""

import csv
import io
from decimal import Decimal

import orjson
import pytest

from limited_use import destinations
from limited_use.asking import AiNotAllowed, Refused, WrongSink
from limited_use.sealing import Native, System
from limited_use.sinks import ai_tool, export

CANARY = "canary-c0ffee"


@pytest.fixture
def allowed(tenant):
    with tenant.runtime.sessions.begin() as session:
        destinations.allow_ai(session, tenant.organisation_id, tenant.owner_id, tenant.runtime.clock.now())
    return tenant.asking("ai_tool", "ai_export", actor="token")


def read_csv(parts):
    return list(csv.reader(io.StringIO(b"".join(parts).decode("utf-8-sig"), newline="")))


def test_the_owner_takes_a_file_along(tenant):
    rows = [
        [tenant.sealed('Ann, "A"\nB'), Native(Decimal("-3.50")), None],
        [tenant.labelled(5), System("x"), Native(None)],
    ]
    made = read_csv(export.csv(tenant.guard, tenant.asking("export", "export"), ["a", "b", "c"], rows))
    assert made == [["a", "b", "c"], ['Ann, "A"\nB', "-3.50", ""], ["5", "x", ""]]
    (leaf,) = tenant.leaves()
    assert (leaf.sink, leaf.records, leaf.opened) == ("export", 2, 2)


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u00a0=1",
        "\ufeff=1",
        "=cmd|' /C calc'!A0",
        "\uff1d1",
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(tenant, cell):
    made = read_csv(export.csv(tenant.guard, tenant.asking("export", "export"), ["a"], [[tenant.sealed(cell)]]))
    (shown,) = made[1]
    assert shown.startswith("'")
    assert shown.replace("'", "") == cell.replace("'", "")


def test_a_teammates_file_says_what_is_withheld(tenant):
    asking = tenant.asking("export", "export", member_id=tenant.teammate_id)
    rows = [[tenant.sealed(CANARY), tenant.sealed("note", "content")]]
    assert read_csv(export.csv(tenant.guard, asking, ["a", "b"], rows))[1] == ["withheld (gmail)", "note"]
    lines = b"".join(export.jsonl(tenant.guard, asking, [{"a": tenant.sealed(CANARY)}]))
    assert orjson.loads(lines) == {"a": {"withheld": "limited_use", "source": "gmail"}}


def test_each_thousand_records_has_its_leaf(tenant):
    value = tenant.labelled(1)
    parts = export.jsonl(tenant.guard, tenant.asking("export", "export"), ({"n": value} for _ in range(2_001)))
    assert b"".join(parts).count(b"\n") == 2_001
    assert [leaf.records for leaf in tenant.leaves()] == [1_000, 1_000, 1]
    head = read_csv(export.csv(tenant.guard, tenant.asking("export", "export"), ["h"], ([value] for _ in range(1_001))))
    assert (len(head), [row for row in head if row == ["h"]]) == (1_002, [["h"]])


@pytest.mark.parametrize("many", [0, 1, 1_000, 1_001, 2_000])
def test_a_file_of_json_is_one_object_and_one_that_was_cut_off_is_none(tenant, many):
    value = tenant.labelled(1)
    asking = tenant.asking("export", "export")
    parts = list(export.json(tenant.guard, asking, "people", ({"n": value} for _ in range(many))))
    assert orjson.loads(b"".join(parts)) == {"people": [{"n": 1}] * many}
    assert sum(leaf.records for leaf in tenant.leaves()) == many
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(b"".join(parts[:-1]))


def test_exports_of_another_sink_and_bare_cells_are_refused(tenant):
    with pytest.raises(WrongSink):
        export.csv(tenant.guard, tenant.asking(), ["a"], [])
    with pytest.raises(WrongSink):
        export.jsonl(tenant.guard, tenant.asking("ai_tool", "ai_export"), [])
    with pytest.raises(WrongSink):
        export.json(tenant.guard, tenant.asking("ai_tool", "ai_export"), "a", [])
    for rows in ([["bare"]], [[3]]):
        with pytest.raises(Refused):
            export.csv(tenant.guard, tenant.asking("export", "export"), ["a"], rows)


def test_ai_tools_are_off_until_an_admin_allows_them(tenant):
    asking = tenant.asking("ai_tool", "ai_export", actor="token")
    for records in ([], [{"note": tenant.sealed("note", "content")}]):
        with pytest.raises(AiNotAllowed) as caught:
            ai_tool.jsonl(tenant.guard, asking, records)
        assert caught.value.code == "ai_not_allowed"
    assert [leaf.reason for leaf in tenant.leaves()] == ["ai_not_allowed"] * 2


def test_ai_tools_get_what_users_wrote_and_marks_for_the_rest(tenant, allowed):
    records = [
        {
            "id": System("p1"),
            "note": tenant.sealed("note", "content"),
            "amount": Native(3),
            **{purpose: tenant.sealed(CANARY, purpose) for purpose in ("mail", "calendar", "contacts", "derived")},
            "count": tenant.labelled(CANARY),
        }
    ]
    (line,) = ai_tool.jsonl(tenant.guard, allowed, records)
    assert line.count(b"\n") == 1
    assert CANARY.encode() not in line
    made = orjson.loads(line)
    assert (made["id"], made["note"], made["amount"]) == ("p1", "note", 3)
    marks = {name: made[name] for name in ("mail", "calendar", "contacts", "derived", "count")}
    sources = {"mail": "gmail", "calendar": "calendar", "contacts": "contacts", "derived": "derived", "count": "gmail"}
    assert marks == {name: {"withheld": "limited_use", "source": source} for name, source in sources.items()}
    (leaf,) = tenant.leaves()
    assert (leaf.sink, leaf.decision, leaf.opened, leaf.withheld, leaf.records) == ("ai_tool", "withhold", 0, 5, 1)


def test_every_ai_export_is_in_the_log_even_one_of_nothing(tenant, allowed):
    assert b"".join(ai_tool.jsonl(tenant.guard, allowed, [])) == b""
    assert b"".join(ai_tool.jsonl(tenant.guard, allowed, [{"n": Native(1)}])) == b'{"n":1}\n'
    assert [(leaf.sink, leaf.opened, leaf.withheld, leaf.records) for leaf in tenant.leaves()] == [
        ("ai_tool", 0, 0, 0),
        ("ai_tool", 0, 0, 1),
    ]


@pytest.mark.parametrize("loose", ["bare", 3, {"deep": ["bare"]}])
def test_a_value_of_unknown_origin_is_refused_for_ai(tenant, allowed, loose):
    with pytest.raises(Refused):
        ai_tool.jsonl(tenant.guard, allowed, [{"x": loose}])
    assert tenant.leaves()[-1].reason == "unknown_origin"


@pytest.mark.usefixtures("allowed")
def test_an_unplaced_value_and_a_token_are_refused_for_ai(tenant):
    from limited_use.sealing import Sealed

    for value in (Sealed(tenant.sealed("n", "content")._wire, None), tenant.sealed(CANARY, "tokens")):
        with pytest.raises(Refused):
            ai_tool.jsonl(tenant.guard, tenant.asking("ai_tool", "ai_export"), [{"x": value}])


@pytest.mark.parametrize(
    "purpose", ["user_feature", "security", "legal", "subject_right", "write_back", "ai_inference"]
)
@pytest.mark.parametrize("feature", ["ai_export", "export", "people", "api"])
@pytest.mark.usefixtures("allowed")
def test_no_purpose_or_feature_opens_anything_of_googles_for_ai(tenant, purpose, feature):
    asking = tenant.asking("ai_tool", feature, purpose=purpose)
    try:
        made = b"".join(ai_tool.jsonl(tenant.guard, asking, [{"x": tenant.sealed(CANARY)}]))
    except Refused:
        return
    assert CANARY.encode() not in made


def test_only_the_ai_sink_makes_ai_exports(tenant):
    for sink in ("api", "export", "browser"):
        with pytest.raises(WrongSink):
            ai_tool.jsonl(tenant.guard, tenant.asking(sink, "ai_export"), [])

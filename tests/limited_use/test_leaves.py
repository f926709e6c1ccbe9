"""The leaf of a release: which columns and rows it tells of, and how many values."""

import hashlib
from dataclasses import replace

import pytest

from kernel.database import Aspect
from kernel.ids import new_id
from limited_use.asking import Refused
from limited_use.labels import label
from limited_use.sealing import Labelled, Native, System

CANARY = "canary-66bb12"


def test_empty_texts_are_values_like_others_and_the_leaf_tells_of_every_row(tenant):
    rows = sorted((new_id() for _ in range(3)), key=lambda row: row.bytes)
    values = [tenant.sealed(text, row_id=row) for text, row in zip(("", CANARY, ""), rows, strict=True)]
    assert tenant.guard.release(tenant.asking(), values, list) == ["", CANARY, ""]
    leaf = tenant.leaves()[-1]
    assert (leaf.opened, leaf.records) == (3, 3)
    assert leaf.rows == hashlib.sha256(b"".join(row.bytes for row in rows)).hexdigest()


def test_a_leaf_names_the_columns_and_rows_of_what_came_from_google_and_of_nothing_else(tenant):
    mail, person, company, note = new_id(), new_id(), new_id(), new_id()
    labels = label("gmail", tenant.grant_id)
    values = [
        Native(1),
        tenant.sealed(CANARY, row_id=mail),
        Labelled(7, labels, Aspect.TIMES, ("people", person)),
        Labelled(8, labels, None, ("companies", company)),
        Labelled(9, labels),
        tenant.sealed("typed", "content", row_id=note),
        System(2),
    ]
    assert tenant.guard.release(tenant.asking(), values, list) == [1, CANARY, 7, 8, 9, "typed", 2]
    leaf = tenant.leaves()[-1]
    assert leaf.fields == ("messages.subject", "people.times")
    assert (leaf.opened, leaf.records) == (4, 3)
    assert leaf.rows == hashlib.sha256(b"".join(sorted(row.bytes for row in (mail, person, company)))).hexdigest()


def test_a_leaf_about_clear_values_alone_names_no_sealed_column_beside_them(tenant):
    values = [tenant.sealed("typed", "content"), Labelled(7, label("gmail", tenant.grant_id), Aspect.TIMES)]
    assert tenant.guard.release(tenant.asking(), values, list) == ["typed", 7]
    leaf = tenant.leaves()[-1]
    assert (leaf.fields, leaf.opened, leaf.records, leaf.rows) == ((), 1, 0, None)


def test_what_is_refused_to_an_organisation_without_keys_is_told_without_names(tenant):
    asking = replace(tenant.asking(), organisation_id=new_id())
    with pytest.raises(Refused):
        tenant.guard.release(asking, [tenant.sealed(CANARY)], list)
    leaf = tenant.leaves()[-1]
    assert (leaf.decision, leaf.reason, leaf.opened) == ("refuse", "other_organisation", 0)
    assert (leaf.org, leaf.actor, leaf.destination, leaf.grants) == (None, None, None, ())

"""The times of a series."""

import datetime as dt
import time

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from sync.intake.recurrence import AHEAD, BACK, MOST, Series, expand

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def at(*parts):
    return dt.datetime(*parts, tzinfo=dt.UTC)


BEGUN = at(2026, 10, 1, 7)


def series(*lines, start=BEGUN, zone="Europe/Berlin", is_date=False):
    return Series(start, is_date, zone, lines)


def test_a_meeting_at_nine_stays_at_nine_across_a_change_of_clocks():
    found = expand(series("RRULE:FREQ=WEEKLY;COUNT=5"), NOW).starts
    assert [start.hour for start in found] == [7, 7, 7, 7, 8]


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (("RRULE:FREQ=DAILY;UNTIL=20261003T070000Z",), 3),
        (("RRULE:FREQ=DAILY;UNTIL=20261003",), 3),
        (("RRULE:FREQ=DAILY;COUNT=3", "EXDATE;TZID=Europe/Berlin:20261002T090000"), 2),
        (("RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20261002T070000Z,20261003T070000Z"), 1),
        (("RDATE:20261005T070000Z",), 2),
        (("RDATE;VALUE=PERIOD:20261005T070000Z/PT1H",), 2),
        (("RRULE:FREQ=DAILY;COUNT=4", "EXRULE:FREQ=DAILY;INTERVAL=2;COUNT=2"), 2),
    ],
)
def test_rules_dates_and_exceptions_are_kept(lines, number):
    expanded = expand(series(*lines), NOW)
    assert len(expanded.starts) == number
    assert expanded.is_whole


def test_dates_without_times_have_exceptions_too():
    expanded = expand(
        series("RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20261002", start=at(2026, 10, 1), is_date=True), NOW
    )
    assert expanded.starts == (at(2026, 10, 1), at(2026, 10, 3))


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=HOURLY;COUNT=3",
        "RRULE:",
        "RRULE:FREQ=DAILY;INTERVAL=x",
        "RRULE:FREQ=DAILY;COUNT=5;BYMONTH=XX",
        "RRULE:FREQ=DAILY;UNTIL=never",
        "RDATE:tomorrow",
        "EXDATE;TZID=No/Where:20261002Txx",
    ],
)
def test_what_cannot_be_read_gives_the_first_time_and_says_so(line):
    expanded = expand(series(line), NOW)
    assert expanded.starts == (at(2026, 10, 1, 7),)
    assert not expanded.is_whole


def test_a_rule_that_never_comes_true_ends_soon():
    begun = time.monotonic()
    expanded = expand(series("RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", start=at(1890, 1, 1)), NOW)
    assert expanded.starts == ()
    assert time.monotonic() - begun < 2


def test_an_endless_series_is_cut_to_the_window():
    expanded = expand(series("RRULE:FREQ=DAILY", start=at(1999, 1, 1, 9)), NOW)
    assert len(expanded.starts) == MOST
    assert expanded.starts[-1] > NOW + AHEAD - dt.timedelta(days=2)
    assert not expanded.is_whole


@pytest.mark.parametrize(
    ("rule", "begun"),
    [
        ("FREQ=DAILY;INTERVAL=3", (1999, 1, 2, 9)),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", (1999, 1, 4, 9)),
        ("FREQ=MONTHLY;INTERVAL=5", (2001, 1, 31, 9)),
        ("FREQ=MONTHLY;BYDAY=-1FR", (2001, 1, 26, 9)),
        ("FREQ=YEARLY;INTERVAL=2", (2004, 12, 1, 9)),
        ("FREQ=YEARLY", (2004, 2, 29, 9)),
    ],
)
def test_skipping_the_years_before_the_window_changes_nothing(rule, begun):
    start = at(*begun)
    whole = [
        moment.replace(tzinfo=dt.UTC)
        for moment in rrulestr(rule, dtstart=start.replace(tzinfo=None)).between(
            (NOW - BACK).replace(tzinfo=None), (NOW + AHEAD).replace(tzinfo=None), inc=True
        )
    ]
    assert list(expand(series(f"RRULE:{rule}", start=start, zone="UTC"), NOW).starts) == whole


_PARTS = st.sampled_from(
    [
        "FREQ=DAILY",
        "FREQ=YEARLY",
        "COUNT=9",
        "COUNT=0",
        "UNTIL=20300101",
        "BYDAY=5MO",
        "BYDAY=XX",
        "INTERVAL=0",
        "WKST=SU",
        "=",
        "BYSETPOS=-1",
    ]
)


@given(
    st.lists(st.lists(_PARTS, max_size=4).map(";".join), max_size=3),
    st.sampled_from(["RRULE:", "EXDATE:", "RDATE;X=Y:", "?"]),
)
def test_nothing_a_line_may_say_raises(values, name):
    expanded = expand(series(*(name + value for value in values)), NOW)
    assert len(expanded.starts) <= MOST
    for start in expanded.starts:
        assert start == at(2026, 10, 1, 7) or NOW - BACK <= start <= NOW + AHEAD

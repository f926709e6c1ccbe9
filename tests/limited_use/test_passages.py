"""Passages: what counts as a word, what is kept of a text, and that every passage of eight words is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limited_use.passages import GRAM, SHORTEST, WINDOW, Passage, passage, shown_by, whole_lines

WORDS = st.lists(st.sampled_from(["a", "to", "the", "offer", "Müller", "quarterly", "価", "9"]), max_size=60)


def words(text: str) -> list[str]:
    return [word.decode() for word in passage(text).words]


def is_found(kept: Passage, asked: Passage) -> bool:
    """Tell whether what is kept of one text is found in the other, as `fingerprints.findings` looks for it."""
    anchors = [(kept.gram(at), kept.neighbours(at)) for at in kept.anchors()]
    return any(
        asked.gram(at) == gram and asked.goes_on(at, neighbours)
        for gram, neighbours in anchors
        for at in range(len(asked.words) - GRAM + 1)
    )


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        pytest.param("> The offer\n> stands", "The offer stands", id="quoted"),
        pytest.param(">> | The offer\r\n\t| stands", "The offer stands", id="quoted_twice"),
        pytest.param("THE OFFER STANDS", "the offer stands", id="case"),
        pytest.param("\uff34\uff48\uff45\u3000offer \ufb06ands", "The offer stands", id="width"),
        pytest.param("* The offer\n 1) stands", "• The offer — 1. stands!", id="bullets"),
        pytest.param("The of\u00adfer st\u200bands", "The offer stands", id="unseen"),
        pytest.param("The of\x81fer st\ufff9an\U0001d173ds", "The offer stands", id="controls"),
        pytest.param("Straße", "STRASSE", id="sharp_s"),
        pytest.param("e\u0301te\u0301", "été", id="accents_apart"),
    ],
)
def test_what_a_mail_program_changes_changes_no_word(typed: str, sent: str) -> None:
    assert words(typed) == words(sent)


def test_in_scripts_without_blanks_a_character_is_a_word() -> None:
    assert words("明日の会議は三時 ok") == [*"明日の会議は三時", "ok"]


@given(WORDS, WORDS, WORDS, WORDS, st.lists(st.sampled_from(["an", "offer", "x1", "pilot"]), min_size=8, max_size=30))
def test_every_passage_of_eight_words_is_found_whatever_stands_around_it(
    before: list[str], after: list[str], typed: list[str], more: list[str], shared: list[str]
) -> None:
    kept, asked = passage(" ".join([*before, *shared, *after])), passage("\n> ".join([*typed, *shared, *more]))
    assert is_found(kept, asked)


@given(st.lists(st.integers(0, 10_000), min_size=SHORTEST, max_size=80, unique=True), st.data())
def test_what_is_kept_covers_every_row_of_grams(numbers: list[int], data: st.DataObject) -> None:
    kept = passage(" ".join(f"w{number}" for number in numbers))
    at = data.draw(st.integers(0, len(numbers) - SHORTEST))
    part = passage(" ".join(f"w{number}" for number in numbers[at : at + SHORTEST]))
    assert is_found(kept, part)
    assert len(kept.anchors()) <= len(numbers) * 0.6


@given(st.lists(st.text("abc", min_size=1, max_size=9), max_size=40))
def test_of_each_row_of_grams_a_longest_is_kept_and_nothing_else(spoken: list[str]) -> None:
    kept = passage(" ".join(spoken))
    sizes = [sum(map(len, kept.words[at : at + GRAM])) for at in range(len(kept.words) - GRAM + 1)]
    rows = [range(at, at + WINDOW) for at in range(len(sizes) - WINDOW + 1)]
    chosen = kept.anchors()
    assert chosen == sorted(set(chosen))
    longest = [{at for at in row if sizes[at] == max(sizes[one] for one in row)} for row in rows]
    assert all(best.intersection(chosen) for best in longest)
    assert set().union(*longest).issuperset(chosen)


@given(st.lists(st.integers(0, 10_000), min_size=SHORTEST, max_size=80, unique=True), st.data())
def test_seven_words_in_common_are_no_passage(numbers: list[int], data: st.DataObject) -> None:
    kept = passage(" ".join(f"w{number}" for number in numbers))
    at = data.draw(st.integers(0, len(numbers) - SHORTEST + 1))
    part = passage(" ".join(f"w{number}" for number in numbers[at : at + SHORTEST - 1]))
    assert not is_found(kept, part)


def test_a_passage_is_found_with_every_sixth_word_dropped_and_with_words_put_in() -> None:
    said = [f"word{number}" for number in range(40)]
    dropped = [word for number, word in enumerate(said) if number % 6 != 5]
    put_in = [part for number, word in enumerate(said) for part in ([word, "new"] if number % 6 == 5 else [word])]
    for changed in (dropped, put_in):
        assert is_found(passage(" ".join(said)), passage(" ".join(changed)))


def test_a_text_that_only_shares_a_turn_of_phrase_is_not_found() -> None:
    mail = passage("If the price suits you please let me know if you want the blue one delivered in May")
    note = passage("She is away this week, please let me know if anybody else could take the call on Friday")
    assert not is_found(mail, note)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("Re: AW: Pilot for Acme Ltd", [b"pilot for acme ltd"], id="answer"),
        pytest.param("Pilot for Acme", [], id="three_words"),
        pytest.param("Re: Fwd: one two three", [], id="prefixes_count_for_nothing"),
        pytest.param("one two three four five six seven eight", [], id="a_passage"),
        pytest.param("Call back\n- Pilot for Acme Ltd\nsoon", [b"pilot for acme ltd"], id="among_other_lines"),
    ],
)
def test_short_lines_are_compared_whole(text: str, lines: list[bytes]) -> None:
    assert whole_lines(text) == lines


def test_of_html_the_shown_words_count() -> None:
    html = (
        "<html><head><title>Not shown</title><style>p {color: red}</style></head><body><p>The pri<b>ce</b> is&nbsp;"
        "5 &euro; &lt;net&gt;</p><div>per<br>piece</div><script>alert('no')</script></body></html>"
    )
    assert words(shown_by(html)) == ["the", "price", "is", "5", "net", "per", "piece"]


@pytest.mark.parametrize("html", ["<" * 300_000, "<!--" * 100_000, "<p" * 200_000, "&" * 300_000, "<a href='" * 90_000])
def test_broken_html_of_any_kind_is_read_in_bounded_time(html: str) -> None:
    assert len(passage(shown_by(html)).words) < 300_000


def test_a_passage_shows_nothing_of_itself() -> None:
    assert "offer" not in repr(passage("the offer stands"))

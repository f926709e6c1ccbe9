"""`flask policy explain`: what is decided, by which rule, and what sharing has to do with it."""

import pytest

from limited_use.policy import shipped_policy


@pytest.fixture
def explain(app):
    def run(*words):
        return app.test_cli_runner().invoke(args=["policy", "explain", *words])

    return run


def test_it_says_that_no_configuration_gives_ai_what_is_googles(explain):
    told = explain("--label", "gmail", "--sink", "ai_tool", "--feature", "ai_export")
    assert told.exit_code == 0
    assert told.output.startswith("withhold ai_export    rule ")
    assert "No configuration can open a value from Google for ai_tool" in told.output
    assert shipped_policy().digest[:16] in told.output


def test_it_names_the_rule_and_what_sharing_does(explain):
    words = ["--label", "gmail", "--sink", "browser", "--viewer", "teammate", "--feature", "timeline"]
    shared = explain(*words, "--sharing", "and_subjects", "--aspect", "subjects").output
    assert shared.startswith("open     timeline     rule 4: Teammates see what the owner shares")
    assert "shares and subjects, which shows teammates subjects" in shared
    hidden = explain(*words, "--sharing", "and_subjects", "--aspect", "content").output
    assert hidden.startswith("withhold timeline ")
    assert "does not show teammates content" in hidden


def test_what_no_rule_allows_is_told_as_refused_for_each_feature(explain):
    told = explain("--label", "tokens", "--sink", "browser")
    assert told.exit_code == 1
    assert told.output.count("refuse ") == len(shipped_policy().features)
    assert told.output.count("no rule: No rule speaks of it") == len(shipped_policy().features)


def test_a_word_that_is_none_is_an_error(explain):
    assert explain("--label", "gmial", "--sink", "browser").exit_code == 2

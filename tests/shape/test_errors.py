"""Every error of ours has a code of its own and reads well in all three forms: page, JSON, card."""

import html
import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask
from google.apps import card_v1
from google.protobuf.json_format import ParseDict

import run
from kernel.errors import AppError
from kernel.runtime import Runtime
from web.app import create_app
from web.errors import answer

PRODUCT = ("kernel", "accounts", "limited_use", "workspace", "oauth", "crm", "sync", "privacy", "addon", "web")
assert run  # its errors are the product's too


def load_everything() -> None:
    for name in PRODUCT:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def family(root: type[AppError]) -> Iterator[type[AppError]]:
    yield root
    for heir in root.__subclasses__():
        yield from family(heir)


load_everything()
ERRORS = sorted(
    {error for error in family(AppError) if error.__module__.split(".")[0] in (*PRODUCT, "run")},
    key=lambda error: (error.__module__, error.__qualname__),
)


def raised(error: type[AppError]) -> AppError:
    """Return one of them as it is told by default, whatever else its maker wants to know."""
    made = error.__new__(error)
    AppError.__init__(made)
    return made


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


def test_no_two_errors_share_a_code() -> None:
    shared = {code for code, number in Counter(error.code for error in ERRORS).items() if number > 1}
    assert {f"{e.__module__}.{e.__qualname__}": e.code for e in ERRORS if e.code in shared} == {}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__qualname__)
def test_an_error_tells_what_happened_in_sentences(error: type[AppError]) -> None:
    assert error.code.isascii()
    assert error.code.replace("_", "").isalnum()
    assert error.code == error.code.lower()
    assert error.sentence[0].isupper()
    assert error.sentence.endswith(".")
    assert 400 <= error.status <= 599
    assert "%" not in error.sentence
    assert "{" not in error.sentence


def test_every_error_is_a_page_a_json_body_and_a_card(app: Flask) -> None:
    assert len(ERRORS) > 30
    for kind in ERRORS:
        error = raised(kind)
        with app.test_request_context("/people", method="POST"):
            page = app.make_response(answer(error))
        assert page.status_code == error.status
        assert page.mimetype == "text/html"
        assert error.told in html.unescape(page.get_data(as_text=True)), kind
        with app.test_request_context("/api/v1/people"):
            body = app.make_response(answer(error))
        assert body.status_code == error.status
        assert body.json == {"error": {"code": error.code, "message": error.told, "retry": error.retry}}
        check_cards(app, error)


def check_cards(app: Flask, error: AppError) -> None:
    """Opened or clicked: a card that Google's own schema takes, with the sentence on it."""
    for path in ("/addon/gmail/message", "/addon/actions/note"):
        with app.test_request_context(path, method="POST"):
            told = app.make_response(answer(error))
        assert told.status_code == (401 if error.status == 401 else 200)
        assert told.headers["X-Error-Code"] == error.code
        tree = told.get_json()
        action = tree["action"] if "action" in tree else tree["renderActions"]["action"]
        card = ParseDict(action["navigations"][0]["pushCard"], card_v1.Card.pb(card_v1.Card()))
        assert card.sections[0].widgets[0].text_paragraph.text == error.told

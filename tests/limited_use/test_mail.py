"""The sink mail: letters whose values are text and nothing else, to addresses that are addresses."""

import email
import email.policy

import pytest

from limited_use.asking import Refused, WrongSink
from limited_use.sealing import Native, SealedError, System
from limited_use.sinks import export, mail
from limited_use.sinks.mail import Letter, Line, Link

CANARY = "canary-51dd"


def compose(*parts, to="ann@own.example"):
    return Letter(
        to=Native(to),
        subject=Line("News of ", *parts),
        body=(Line("Here: ", *parts), Link("Open <it>", "https://crm.example/x?a=1&b=2"), Line("Bye.")),
        message_id="<1@crm.example>",
        sender="crm@own.example",
    )


def send(tenant, composed, **said):
    made = mail.letter(tenant.guard, tenant.asking("mail", said.pop("feature", "notices"), **said), composed)
    return made, email.message_from_bytes(made.message, policy=email.policy.default)


def bodies(read):
    return [read.get_body((kind,)).get_content() for kind in ("plain", "html")]


def test_a_letter_has_the_same_words_as_text_and_as_html(tenant):
    made, read = send(tenant, compose(tenant.sealed("Ünïcode & Co", "content"), System(" 3")))
    assert (made.sender, made.to) == ("crm@own.example", "ann@own.example")
    assert read["Subject"] == "News of Ünïcode & Co 3"
    text, html = bodies(read)
    assert text == "Here: Ünïcode & Co 3\n\nOpen <it>:\nhttps://crm.example/x?a=1&b=2\n\nBye.\n"
    assert "<p>Here: Ünïcode &amp; Co 3</p>" in html
    assert '<a href="https://crm.example/x?a=1&amp;b=2">Open &lt;it&gt;</a>' in html
    (leaf,) = tenant.leaves()
    assert (leaf.sink, leaf.feature, leaf.opened, leaf.withheld, leaf.records) == ("mail", "notices", 0, 0, 1)
    assert read.get_content_type() == "multipart/alternative"
    assert read["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    "hostile",
    [
        "x\r\nBcc: all@evil.example",
        "x\nBcc: all@evil.example",
        "x\rBcc: all@evil.example",
        "x\x0bBcc: all@evil.example",
        "x\u2028Bcc: all@evil.example",
        "x\x85Bcc: all@evil.example",
        "x\r\n\r\nbody",
        "=?utf-8?q?x=0D=0ABcc=3A_all=40evil.example?=",
        "\x00",
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "\u202egnp.exe",
        "x" * 5_000,
        ".\r\n.\r\n",
    ],
    ids=[
        *("crlf", "lf", "cr", "vt", "separator", "nel", "body", "encoded", "nul"),
        *("script", "attribute", "bidi", "long", "dots"),
    ],
)
def test_no_value_begins_a_header_a_part_or_a_tag(tenant, hostile):
    made, read = send(tenant, compose(tenant.sealed(hostile, "content")))
    names = {"from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"}
    assert {name.lower() for name in read.keys()} == names  # noqa: SIM118 -- a message is no dictionary
    assert (made.to, read["To"]) == ("ann@own.example", "ann@own.example")
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]
    assert len(read["Subject"]) <= mail.LONGEST_SUBJECT
    html = bodies(read)[1]
    assert html.count("<") == html.count(">") == 2 * len(("html", "body", "p", "p", "a", "p")) + len(("doctype",))


@pytest.mark.parametrize(
    "address",
    [
        *("", "nobody", "a@b\r\nBcc: c@d", "a@b, c@d", "<a@b>", "a b@c.example", "a@b c", "ä@b.example"),
        *("a@", "@b", "a@b@c", "a@b;c@d", "(c)a@b.example", "a@b.example(c)", '"a"@b.example'),
    ],
    ids=[
        "empty",
        "no-at",
        "header",
        "two",
        "angled",
        "blank",
        "blank-host",
        "umlaut",
        "no-host",
        "no-name",
        "at",
        "semi",
        "comment",
        "comment-after",
        "quoted",
    ],
)
def test_what_is_no_address_gets_no_letter(tenant, address):
    with pytest.raises(Refused):
        send(tenant, compose(to=address))
    assert tenant.leaves()[-1].reason == "no_address"


def test_what_is_googles_is_withheld_from_the_owner_too(tenant):
    for purpose in ("mail", "calendar", "contacts", "derived"):
        made, read = send(tenant, compose(tenant.sealed(CANARY, purpose)))
        assert CANARY.encode() not in made.message
        assert read["Subject"] == "News of withheld"
    assert [leaf.withheld for leaf in tenant.leaves()] == [2] * 4


def test_an_address_of_googles_is_none(tenant):
    composed = compose()
    for to in (tenant.sealed("ann@own.example"), tenant.labelled("ann@own.example")):
        with pytest.raises(Refused):
            send(tenant, Letter(to, composed.subject, composed.body, composed.message_id, composed.sender))


@pytest.mark.parametrize("sink", ["browser", "api", "export", "webhook", "ai_tool", "staff"])
def test_only_an_asking_of_this_class_makes_a_letter(tenant, sink):
    with pytest.raises(WrongSink):
        mail.letter(tenant.guard, tenant.asking(sink, "notices"), compose())
    with pytest.raises(WrongSink):
        export.csv(tenant.guard, tenant.asking("mail", "notices"), ["a"], [])


@pytest.mark.parametrize("feature", ["webhooks", "people", "export", "no_such"])
def test_no_other_feature_sends_mail(tenant, feature):
    with pytest.raises(Refused):
        send(tenant, compose(), feature=feature)


@pytest.mark.parametrize("loose", [3, None, ["x"]], ids=["number", "nothing", "list"])
def test_a_line_is_made_of_words_and_guarded_values(loose):
    with pytest.raises(SealedError):
        Line("x", loose)


def test_a_line_and_a_finished_letter_show_nothing_of_themselves(tenant):
    made, _ = send(tenant, compose(tenant.sealed(CANARY, "content")))
    assert repr(made) == "Finished()"
    assert CANARY not in repr(Line(tenant.sealed(CANARY, "content")))


def test_a_letter_beyond_its_size_is_refused(tenant, monkeypatch):
    monkeypatch.setattr(mail, "LARGEST", 100)
    with pytest.raises(Refused):
        send(tenant, compose())
    assert tenant.leaves()[-1].reason == "too_large"

"""Why: what an entry of the log says, in sentences for the people who read it.

Only what the entry itself holds is told, and the rule of the policy that decides such a case; an entry under another
policy than the present one says so. Nothing here reads a value: an entry has none.
"""

import uuid
from collections.abc import Iterable, Mapping
from itertools import product

from limited_use.log.leaf import Leaf
from limited_use.log.words import ActorClass, Decision, Kind, Purpose, Sink
from limited_use.policy import Kind as Origin
from limited_use.policy import Policy, Question, Viewer, explain, shipped_policy

SINKS: Mapping[Sink, str] = {
    Sink.BROWSER: "a page in the browser",
    Sink.SIDEBAR: "a card of the sidebar in Gmail or Calendar",
    Sink.GOOGLE: "Google itself, under the account it came from",
    Sink.API: "a program that holds a token of yours",
    Sink.EXPORT: "a file that a member takes along",
    Sink.WEBHOOK: "a webhook's address",
    Sink.MAIL: "a mail to a member",
    Sink.STAFF: "the staff page, where an admin is shown one item",
    Sink.AI_TOOL: "an AI tool",
    Sink.TRAINING: "training of models",
    Sink.ANALYTICS: "statistics",
    Sink.ADS: "advertising",
    Sink.BROKER: "a data broker",
    Sink.CREDIT: "credit scoring",
    Sink.UNKNOWN: "a place that is none of ours",
}
PURPOSES: Mapping[Purpose, str] = {
    Purpose.USER_FEATURE: "for a feature that people see",
    Purpose.FEATURE_TRANSFER: "to hand it on for a feature",
    Purpose.SECURITY: "for security",
    Purpose.LEGAL: "because the law asks for it",
    Purpose.SUBJECT_RIGHT: "for the rights of those whom it is about",
    Purpose.WRITE_BACK: "to write it back to Google",
    Purpose.AI_INFERENCE: "to be worked on by a model",
    Purpose.UNKNOWN: "for a purpose that is none of ours",
}
ORIGINS: Mapping[str, str] = {
    Origin.GMAIL: "Gmail",
    Origin.CALENDAR: "Google Calendar",
    Origin.CONTACTS: "Google Contacts",
    Origin.DERIVED: "what was computed from Google data",
    Origin.AGGREGATE: "figures over many people",
    Origin.TOKENS: "Google's tokens for the connection",
    Origin.DETAIL: "details of the log",
    Origin.NATIVE: "what users wrote",
    Origin.SYSTEM: "our own bookkeeping",
}
VIEWERS: Mapping[Viewer, str] = {
    Viewer.OWNER: "Who asked owns the account it came from.",
    Viewer.SHARED: "It came from a colleague's account, whose owner shares this much of it.",
    Viewer.CONSENTED: "It came from a colleague's account, whose owner consented to showing this one item.",
    Viewer.CASE: "It came from somebody else's account: a case on this one item was approved by a second person.",
    Viewer.TEAMMATE: "It came from a colleague's account, and who asked sees no more of it than its owner shares.",
    Viewer.MEMBER: "No account of Google is behind it.",
    Viewer.SAME_GRANT: "It went back to the very account it came from.",
    Viewer.OTHER_GRANT: "It would have gone to another account than it came from.",
    Viewer.NO_GRANT: "It was kept apart to end the access at Google.",
    Viewer.NOBODY: "No member asked.",
}
ALARMS: Mapping[str, str] = {
    "decoy_opened": (
        "Something reached for rows that nothing of the product ever shows. It was stopped, and the organisation's "
        "admins were told."
    ),
    "egress_bypassed": "A connection that did not take the product's one way out was stopped.",
}
REASONS: Mapping[str, str] = {
    **ALARMS,
    "limited_use": "The policy keeps it back.",
    "grant_revoked": "The connection it came from was ended.",
    "grant_gone": "The connection it came from is not there any more.",
    "grant_suspended": "Google no longer accepts the connection, so it is kept back until its owner connects again.",
    "key_destroyed": "Its key was destroyed with the connection, so nobody can read it.",
    "key_unknown": "Its key is none of ours.",
    "tampered": "It did not open in its place: what is stored there is not what was sealed there.",
    "unplaced": "It came without its place, by which it is known.",
    "unknown_origin": "A value of unknown origin stood in the answer.",
    "other_organisation": "A value of another organisation stood in the answer.",
    "wrong_sink": "It was to go to another place than it was asked for.",
    "wrong_place": "A value stood where a card does something with it, not where it is only shown.",
    "page_spoiled": "A value did not come through the page whole.",
    "unknown_feature": "The feature it was asked for is none of ours.",
    "unknown_purpose": "The purpose it was asked for is none of ours.",
    "ai_not_allowed": "No admin of the organisation has allowed AI tools.",
    "too_large": "The answer was larger than its place takes.",
    "no_address": "There was no address that it could be sent to.",
    "repeats_google": "A user's text repeated what Google gave, so it was kept back like the original.",
}
EVENTS: Mapping[Kind, str] = {
    Kind.REVOCATION: "A connection was ended: from here on nothing of it opens.",
    Kind.SUSPENSION: "Google no longer accepts a connection: what came from it is kept back.",
    Kind.KEY_CREATED: "Keys were made.",
    Kind.KEY_ROTATED: "Keys were renewed.",
    Kind.KEY_DESTROYED: "Keys were destroyed: what they sealed can never be read again.",
    Kind.PURGE: "Rows of an ended connection were deleted.",
    Kind.ERASURE: "What was kept about somebody was erased.",
    Kind.RESTRICTION: "Somebody's data were restricted.",
    Kind.RETENTION: "What had been kept long enough was deleted.",
    Kind.CONSENT: "A member said yes or no to something, or asked for it.",
    Kind.GRANT: "A connection, or how its owner shares it, was changed.",
    Kind.POLICY: "A switch of the organisation was set.",
    Kind.DESTINATION: "A place where answers may go, or a token for it, was changed.",
    Kind.MEMBERSHIP: "Who belongs to the organisation was changed.",
    Kind.SIGN_IN: "Somebody signed in.",
    Kind.EXPORT: "A file was made.",
    Kind.LOG_READ: "Somebody read or verified this log.",
    Kind.STAFF_CASE: "An admin asked to see one item of somebody else's, or was answered, or was shown it.",
    Kind.SECURITY_EVENT: "Google told of something about an account's security.",
    Kind.BREACH: "An incident was recorded.",
    Kind.COUNTER: "Counts were written down.",
}
_OPENED = "Under it something was opened, together with more: the entry before it tells how much."
_GONE = "The connection it came from has ended since, so the log does not tell whose it was."
_KNOWN = frozenset(kind.value for kind in Origin)
_ACTORS: Mapping[ActorClass, str] = {
    ActorClass.MEMBER: "A member",
    ActorClass.TOKEN: "A program with a token",
    ActorClass.ADDON: "The sidebar, for a member,",
    ActorClass.WORKER: "The product's own worker",
    ActorClass.SYSTEM: "The product itself",
    ActorClass.STAFF: "An admin, as staff,",
    ActorClass.ANONYMOUS: "Nobody who signed in",
}


def relations_of(leaf: Leaf, actor_id: uuid.UUID | None, owners: Mapping[str, uuid.UUID]) -> tuple[Viewer, ...]:
    """Return how who asked stood to the owners of the grants in the entry, as far as it tells; empty where it cannot.

    `owners`: who owns each grant, by its pseudonym in the log; a grant that is gone is absent.
    """
    if leaf.sink is Sink.GOOGLE:
        same = bool(leaf.grants) and leaf.destination in leaf.grants
        return (Viewer.SAME_GRANT if same else Viewer.OTHER_GRANT if leaf.grants else Viewer.NO_GRANT,)
    if actor_id is None or not leaf.grants:
        return (Viewer.MEMBER if actor_id else Viewer.NOBODY,)
    known = {owners[grant] for grant in leaf.grants if grant in owners}
    found = [Viewer.OWNER] if actor_id in known else []
    return (*found, *(_to_others(leaf, is_mixed=bool(found)) if known - {actor_id} else ()))


def _to_others(leaf: Leaf, *, is_mixed: bool) -> list[Viewer]:
    """Return how who asked stood to owners other than themselves."""
    if leaf.ticket or leaf.consent:
        return [Viewer.CASE if leaf.ticket else Viewer.CONSENTED]
    shared = [Viewer.SHARED] if leaf.opened and not (is_mixed and leaf.withheld) else []
    return shared + ([Viewer.TEAMMATE] if leaf.withheld or not leaf.opened else [])


def why(leaf: Leaf, viewers: tuple[Viewer, ...], table: Policy | None = None) -> list[str]:
    """Return the sentences that explain the entry, the decision first."""
    table = table or shipped_policy()
    if leaf.decision is Decision.EVENT:
        told = [ALARMS.get(leaf.reason or "", EVENTS[leaf.kind]), *_record(leaf)]
        return [*told, _OPENED if leaf.reason == "opened" else "Nothing was opened by it."]
    said = [_decision(leaf), *_asked(leaf, table)]
    if leaf.labels:
        said.append(f"The values came from {_listed(ORIGINS.get(label, label) for label in leaf.labels)}.")
        said += [VIEWERS[viewer] for viewer in viewers] or [_GONE]
    if leaf.reason not in (None, "limited_use"):
        named = (leaf.reason or "").replace("_", " ")
        said.append(REASONS.get(leaf.reason or "", f"The reason is recorded as “{named}”."))
    else:
        said += _rules(leaf, viewers, table)
    return [*said, *_record(leaf), *_other_policy(leaf, table)]


def _decision(leaf: Leaf) -> str:
    if leaf.decision is Decision.REFUSE:
        return "Refused: nothing of the answer was given."
    if not leaf.opened:
        return f"Withheld: {_values(leaf.withheld)} stayed closed, and a mark stood in {_its(leaf.withheld)} place."
    if not leaf.withheld:
        return f"Opened: {_values(leaf.opened)}."
    return f"Opened: {_values(leaf.opened)}; {_values(leaf.withheld)} stayed closed."


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"


def _its(count: int) -> str:
    return "its" if count == 1 else "their"


def _asked(leaf: Leaf, table: Policy) -> list[str]:
    """Return who asked for what, to go where; nothing of what the product stopped by itself."""
    if leaf.sink is None or leaf.purpose is None:
        return []
    feature = table.features.get(leaf.feature or "")
    named = f" ({feature})" if feature else ""
    return [f"{_ACTORS[leaf.actor_class]} asked for it {PURPOSES[leaf.purpose]}{named}, to go to {SINKS[leaf.sink]}."]


def _rules(leaf: Leaf, viewers: tuple[Viewer, ...], table: Policy) -> list[str]:
    """Return what the present rules say of such values, each rule once."""
    if leaf.sink is None or leaf.purpose is None:
        return []
    said: list[str] = []
    known = [Origin(label) for label in leaf.labels if label in _KNOWN]
    for label, viewer in product(known, viewers):
        found = explain(Question(label, leaf.purpose, leaf.sink, viewer, leaf.feature or ""), table)
        number = "No rule" if found.rule is None else f"Rule {found.rule.number}"
        sentence = f"{number}: {found.why}"
        if sentence not in said:
            said.append(sentence)
    return said


def _record(leaf: Leaf) -> list[str]:
    """Return under which record an item was opened, asked for or answered."""
    if leaf.ticket:
        return [f"The case is {leaf.ticket}."]
    return [f"The record of the consent is {leaf.consent}."] if leaf.consent else []


def _other_policy(leaf: Leaf, table: Policy) -> list[str]:
    """Say so where another policy decided; other entries name the one of their time, which had no part in them."""
    if leaf.kind is not Kind.RELEASE or leaf.policy in (None, table.digest):
        return []
    return [
        f"It was decided under an earlier policy ({leaf.policy[:16] if leaf.policy else ''}), which may have differed."
    ]


def _listed(words: Iterable[str]) -> str:
    named = list(words)
    return named[0] if len(named) == 1 else ", ".join(named[:-1]) + " and " + named[-1]

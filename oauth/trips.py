"""Trips: signing in and connecting a product, from leaving for Google to coming back.

Between the two halves nothing of ours is open. Coming back happens in three short steps: take the attempt (commit),
trade the code and verify who it is (network, no transaction), store the outcome (commit). The keys of an organisation
or grant are made before anything is sealed under them.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import consents, grants, members, sign_ins
from accounts.members import Identity, Viewer
from accounts.models import Consent, Grant, GrantStatus, Member
from kernel.errors import NotSignedIn
from kernel.runtime import Runtime
from kernel.work import Work
from limited_use.keys import vault
from limited_use.log.words import Kind
from oauth import attempts, custody, events, flow, identity
from oauth.disclosures import explain
from oauth.errors import AttemptUnknown, EndingUnderWay, GoogleUnavailable, RefusedByGoogle, WrongAccount
from oauth.models import Attempt, AttemptKind, Revocation
from oauth.scopes import FEATURES, IDENTITY, features_of

Opening = Callable[[Work, Grant, str], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What Google sent the browser back with."""

    state: str = field(repr=False)
    code: str = field(repr=False)
    error: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody is signed in: the secret for the browser's cookie, and where to go."""

    secret: str = field(repr=False)
    return_path: str


@dataclass(frozen=True, slots=True)
class Connected:
    """A product was allowed, or was left unticked while the rest went well."""

    feature: str
    allowed: bool
    return_path: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The person turned back at Google; nothing was changed."""

    kind: AttemptKind
    feature: str | None
    return_path: str


Outcome = SignedIn | Connected | Cancelled


def start_sign_in(runtime: Runtime, browser_secret: str, return_path: str) -> str:
    """Return the address at Google where somebody signs in; nothing but identity is asked."""
    purpose = attempts.Purpose(AttemptKind.SIGN_IN, return_path)
    now = runtime.clock.now()
    with runtime.begin() as work:
        made = attempts.begin(work.session, runtime.settings.secret_key, browser_secret, purpose, now)
    return flow.address(
        runtime.settings,
        flow.Request(IDENTITY, made.state, made.nonce, made.verifier, prompt="select_account"),
    )


def start_connect(runtime: Runtime, browser_secret: str, viewer: Viewer, feature: str, return_path: str) -> str:
    """Record the viewer's consent to the product's disclosure and return the address at Google that allows it.

    Consent is asked for anew each time, because a refresh token that Google gave before never learns new scopes.

    Raises:
        NotFound: There is no such product.
        EndingUnderWay: Google has not yet confirmed the end of an earlier connection, and would end this one too.
    """
    disclosure = explain(feature).disclosure()
    now = runtime.clock.now()
    with runtime.begin() as work:
        member = members.get(work.session, viewer.organisation_id, viewer.member_id)
        _check_nothing_ending(work.session, member.google_sub)
        consent = consents.record(work.session, viewer, disclosure, now)
        events.record(
            runtime,
            work.session,
            Kind.CONSENT,
            viewer.organisation_id,
            member_id=viewer.member_id,
            reason=disclosure.kind,
            consent_id=consent.id,
        )
        purpose = attempts.Purpose(AttemptKind.CONNECT, return_path, feature, viewer.member_id, consent.id)
        made = attempts.begin(work.session, runtime.settings.secret_key, browser_secret, purpose, now)
        hint = member.google_sub
    asked = flow.Request(
        (*IDENTITY, FEATURES[feature]),
        made.state,
        made.nonce,
        made.verifier,
        offline=True,
        login_hint=hint,
        prompt="consent",
    )
    return flow.address(runtime.settings, asked)


def finish(
    runtime: Runtime, answer: Answer, browser_secret: str | None, member_id: uuid.UUID | None, opening: Opening
) -> Outcome:
    """Return what became of the trip; `opening` is called in the transaction that stores a newly allowed product.

    Raises:
        AttemptUnknown: The state is unknown, used, too old, another browser's, or another member's.
        CodeRefused, IdentityRefused, AddressUnverified, WrongAccount, MemberLeft: As they say.
        RefusedByGoogle, ClientRefused, GoogleUnavailable: Google said no, or nothing.
    """
    key, now = runtime.settings.secret_key, runtime.clock.now()
    with runtime.begin() as work:
        attempt, secrets = attempts.take(work.session, key, browser_secret, answer.state, now)
        if attempt.kind == AttemptKind.CONNECT and attempt.member_id != member_id:
            raise AttemptUnknown
    if answer.error:
        return _turned_back(attempt, answer.error)
    tokens = flow.exchange(runtime, answer.code, secrets.verifier)
    person = identity.verify(runtime, tokens.id_token, secrets.nonce)
    if attempt.kind == AttemptKind.SIGN_IN:
        return _sign_in(runtime, attempt, person)
    return _connect(runtime, attempt, person, tokens, opening)


def _turned_back(attempt: Attempt, error: str) -> Cancelled:
    if error == "access_denied":
        return Cancelled(AttemptKind(attempt.kind), attempt.feature, attempt.return_path)
    if error in {"admin_policy_enforced", "org_internal"}:
        raise RefusedByGoogle
    raise GoogleUnavailable("Google sent you back without an answer. Nothing was changed; try again.")


def _sign_in(runtime: Runtime, attempt: Attempt, person: Identity) -> SignedIn:
    now = runtime.clock.now()
    with runtime.begin() as work:
        member = members.enter(work.session, person, now)
    # Another database, so another transaction: before any sign-in exists, and complete if it is repeated.
    vault(runtime).create_organisation(member.organisation_id)
    with runtime.begin() as work:
        events.record(runtime, work.session, Kind.SIGN_IN, member.organisation_id, member_id=member.id, reason="google")
        secret = sign_ins.start(work.session, member.id, now)
    return SignedIn(secret, attempt.return_path)


def _connect(runtime: Runtime, attempt: Attempt, person: Identity, tokens: flow.Tokens, opening: Opening) -> Connected:
    feature = str(attempt.feature)
    with runtime.begin() as work:
        member = _member_of(work.session, attempt)
        if member.google_sub != person.sub:
            raise WrongAccount
        if not features_of(tokens.scopes):
            return Connected(feature, allowed=False, return_path=attempt.return_path)
        _check_nothing_ending(work.session, person.sub)
        grant_id = grants.open_for_member(work.session, member, runtime.clock.now()).id
    vault(runtime).create_grant(member.organisation_id, grant_id)
    with runtime.begin() as work:
        allowed = _store(runtime, work, attempt, grant_id, tokens, opening)
    custody.custody(runtime).remember(grant_id, tokens.access_token, tokens.expires_at)
    return Connected(feature, allowed=allowed, return_path=attempt.return_path)


def _member_of(session: Session, attempt: Attempt) -> Member:
    member = session.get(Member, attempt.member_id)
    if member is None or member.left_at is not None:
        raise NotSignedIn
    return member


def _store(
    runtime: Runtime,
    work: Work,
    attempt: Attempt,
    grant_id: uuid.UUID,
    tokens: flow.Tokens,
    opening: Opening,
) -> bool:
    """Leave the grant active with what Google granted; return whether the product asked for is among it."""
    session, now = work.session, runtime.clock.now()
    (grant,) = grants.lock_for_update(session, [grant_id])
    if grant.status == GrantStatus.REVOKED:
        raise EndingUnderWay
    # What a suspended grant had stopped when it was suspended, so all of it begins again.
    before = set(features_of(grant.scopes)) if grant.status == GrantStatus.ACTIVE else set()
    if tokens.refresh_token is not None:
        custody.keep(session, vault(runtime), grant, tokens.refresh_token, now)
        grant.scopes = tokens.scopes
    elif custody.holds_token(session, grant_id):
        # The token in custody is older than this consent, and never learns its scopes.
        grant.scopes = sorted(set(tokens.scopes) & set(grant.scopes))
    else:
        raise GoogleUnavailable("Google gave no lasting access. Nothing was connected; try again.")
    grants.activate(grant)
    consent = session.get(Consent, attempt.consent_id)
    if consent is not None:
        consent.grant_id = grant_id
    allowed = [feature for feature in features_of(grant.scopes) if feature not in before]
    # The product that was asked for is begun anyway: connecting again is the way out where its sync had stopped.
    for feature in features_of(grant.scopes):
        if feature in allowed or feature == attempt.feature:
            opening(work, grant, feature)
    events.record(
        runtime,
        session,
        Kind.GRANT,
        grant.organisation_id,
        grant_id=grant_id,
        member_id=grant.member_id,
        reason="connected" if attempt.feature in allowed else "unchanged",
        labels=tuple(features_of(grant.scopes)),
        consent_id=attempt.consent_id,
    )
    return str(attempt.feature) in features_of(grant.scopes)


def _check_nothing_ending(session: Session, google_sub: str) -> None:
    """Refuse while Google's revoke of this account is still to come: it would end the new connection with the old."""
    waiting = (
        select(Revocation.id)
        .join(Grant, Grant.id == Revocation.grant_id)
        .where(Grant.google_sub == google_sub, Revocation.google_answer.is_(None))
        .limit(1)
    )
    if session.scalar(waiting) is not None:
        raise EndingUnderWay

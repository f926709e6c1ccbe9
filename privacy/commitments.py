"""The commitments register: what the privacy policy promises, what in the software keeps it, and whether it does.

A promise that the software cannot keep yet is shown as not kept; the public trust page prints this register.
"""

import enum
from dataclasses import dataclass


class Standing(enum.StrEnum):
    """Whether the software keeps a promise today."""

    KEPT = "kept"
    PARTLY = "partly"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True)
class Commitment:
    """One promise of the privacy policy, its control in the software, and how it stands."""

    number: str
    promise: str
    control: str
    standing: Standing


KEPT, PARTLY, NOT_YET = Standing.KEPT, Standing.PARTLY, Standing.NOT_YET

REGISTER = tuple(
    Commitment(*row)
    for row in (
        ("C1", "Sign in with Google shares name and address only", "sign-in asks for identity, nothing else", KEPT),
        ("C2", "Google data never trains general AI", "the training and AI sinks never open a Google label", KEPT),
        ("C3", "AI only as personalised models inside the service", "no model exists in the product yet", KEPT),
        ("C4", "Nothing you provide goes to third-party AI tools", "AI sinks are off until an admin allows them", KEPT),
        (
            "C5",
            "Transfers comply with Limited Use",
            "every exit is a registered sink; deny by default; a leaf each",
            KEPT,
        ),
        ("C6", "Access on request", "a person's page shows all we hold; a request desk is to come", PARTLY),
        ("C7", "Errors are rectified", "what a user writes outranks Google's and survives the next sync", KEPT),
        ("C8", "Erasure on request", "disconnect erases a grant; erasing one person is to come", PARTLY),
        ("C9", "Object, restrict, withdraw, port", "withdrawing consent works; the other three are to come", PARTLY),
        ("C10", "Not to be contacted", "the product sends no mail yet", NOT_YET),
        ("C11", "An answer within a reasonable time", "the request clock is to come", NOT_YET),
        ("C12", "Data is kept no longer than necessary", "bounded purges; keys are destroyed on disconnect", PARTLY),
        ("C13", "Timely notice of a breach", "the breach register is to come", NOT_YET),
        ("C14", "Compliance can be demonstrated", "a tamper-evident log that outsiders can verify", KEPT),
        (
            "C15",
            "Lawful, fair, transparent, minimal",
            "a purpose on each release; scopes one by one; no bodies kept",
            KEPT,
        ),
        ("C16", "Onward transfer only to bound agents", "only registered destinations receive anything", PARTLY),
        ("C17", "What is not allowed is denied", "default deny; refusals are in the log", KEPT),
        ("C18", "Card data is protected", "no card field exists; detection in typed text is to come", PARTLY),
        ("C19", "No data of children under 13", "the report form is to come", NOT_YET),
        ("C20", "Landing pages and forms", "not built yet", NOT_YET),
        ("C21", "On termination you get everything, then it is deleted", "the organisation export is to come", NOT_YET),
        ("C22", "Authorities only when the law requires", "the legal purpose opens nothing in this version", KEPT),
        ("C23", "In a merger you choose", "the notice is to come", NOT_YET),
        ("C24", "Policy changes are notified", "consents keep the version shown; notices are to come", PARTLY),
        ("C25", "Cookies may be declined", "one necessary cookie, no tracker", KEPT),
        ("C26", "Tracking of opens can be declined", "nothing is tracked", KEPT),
        ("C27", "Every mail carries an opt-out", "the product sends no mail yet", NOT_YET),
        ("C28", "Unsubscribe from marketing", "the product sends no mail yet", NOT_YET),
        ("C29", "Statistics never identify a person", "there are no statistics across people", KEPT),
        ("C30", "Never sold, no advertising", "the ads and broker sinks have no adaptor at all", KEPT),
        ("C31", "Encryption in transit and at rest", "TLS with HSTS; envelope encryption of every content field", KEPT),
        ("C32", "Testimonials only with consent", "there are none", KEPT),
        ("C33", "An AI agent that helps with deals", "not built yet", NOT_YET),
        ("C34", "Payment through a compliant provider", "no card field exists in the product", KEPT),
        ("C35", "The same policy worldwide", "each destination states its region", PARTLY),
    )
)

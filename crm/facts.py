"""Facts: which fields there are, what of a value is indexed, and under which terms it is found. Pure.

A person's facts hang on what told them: a correspondent (`correspondent_id`), a contact (`contact_id`, for all that a
contact says, its addresses too), or a user (neither). A *company's* facts (`COMPANY_FIELDS`) hang on no address: intake
writes them once a grant, source and domain, and gives `domain` as well as the `company_name` made of it the blind
index of the domain as `value_index`. Matching alone sets `person_id` and `company_id` on facts from Google.
"""

import re
import unicodedata
from typing import Protocol

from crm import addresses, phones, terms

PERSON_FIELDS = ("name", "email", "phone", "title", "organisation", "address", "url", "birthday")
COMPANY_FIELDS = ("company_name", "domain")
FIELDS = PERSON_FIELDS + COMPANY_FIELDS
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Characters that no page shows and no field takes: control characters, and those that reorder text."""
SEARCHED = frozenset({"name", "email", "organisation", "company_name", "domain"})


class Indexer(Protocol):
    """The organisation's blind index, as `limited_use.keys` gives it."""

    def digest(self, kind: str, value: str | bytes) -> bytes:
        """Return the keyed digest of a value, apart from all other kinds."""
        ...


def index_of(indexer: Indexer, field: str, text: str) -> bytes:
    """Return the blind index by which two equal values of a field are known to be equal.

    Addresses, domains and numbers are equal in their normal forms; other text whatever its case, width and blanks.
    Characters that are not shown do not count: a form sends back what it showed, and that is still Google's.
    """
    text = UNSEEN.sub("", text)
    if field == "email" and (address := addresses.normalise(text)):
        return indexer.digest("address", address)
    if field == "domain" and (domain := addresses.registrable(text)):
        return indexer.digest("domain", domain)
    if field == "phone" and (number := phones.normalise(text)):
        return indexer.digest("phone", number)
    return indexer.digest(f"value:{field}", " ".join(unicodedata.normalize("NFKC", text).casefold().split()))


def terms_of(field: str, text: str) -> tuple[str, ...]:
    """Return the search terms of a fact; none for a field that is not searched."""
    if field not in SEARCHED:
        return ()
    if field == "email":
        return terms.terms_of_address(text)
    return terms.terms_of_domain(text) if field == "domain" else terms.terms_of_name(text)

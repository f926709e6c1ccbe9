"""Which addresses make a person, which are the same person, and where they work: by rule, with a recorded reason.

Decided from blind indexes, flags and counts alone; no plaintext is at hand. A decision belongs to one grant and
address: it rests on what that grant saw in all its sources, never on another member's mail. *People* are shared in an
organisation: equal addresses are one person whatever grant told them, and a contact joins its addresses, but never two
people whom users made or touched. Invariants: matching twice changes nothing; nothing that Google tells takes a user's
person away, or an address from it; the order in which pages are matched changes no decision, and nothing but ids where
contacts reach one user's person at most; later evidence turns a skip into a person and never the reverse; two grants
at once make one person of one address (`hold`).
"""

from crm.matching.match import Matched, hold, match, match_addresses
from crm.matching.reasons import Decision, Reason

__all__ = ["Decision", "Matched", "Reason", "hold", "match", "match_addresses"]

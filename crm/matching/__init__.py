"""Which addresses make a person, which are the same person, and where they work: by rule, with a recorded reason.

Decided from blind indexes, flags and counts alone; no plaintext is at hand. A decision belongs to one grant and
address: it rests on what that grant saw in all its sources, never on another member's mail. *People* are shared in an
organisation: equal addresses are one person whatever grant told them, and a contact joins its addresses. Invariants:
matching twice changes nothing; the order in which pages are matched changes nothing but ids; later evidence turns a
skip into a person and never the reverse; two grants at once make one person of one address (`hold`).
"""

from crm.matching.match import Matched, hold, match, match_addresses
from crm.matching.reasons import Decision, Reason

__all__ = ["Decision", "Matched", "Reason", "hold", "match", "match_addresses"]

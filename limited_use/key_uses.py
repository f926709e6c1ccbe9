"""Counted uses: how often each key sealed and was unwrapped, so that none is used for longer than AES-GCM allows.

Nonces are random, so a key must stay far below 2^32 seals. Each process counts down an allowance in memory, which
costs a subtraction a seal, and adds what it used to the keys' database every few seconds. At `RENEW_AT` seals a key is
due for a new version. What a killed process had not told is at most an allowance; a process that cannot tell stops
sealing when its allowance is spent; and above `LAST_SEAL` nothing is sealed under that version at all.
"""

import threading
import time

from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from kernel.database import Sessions
from limited_use.cipher import ALLOWANCE, Uses

RENEW_AT = 2**28
LAST_SEAL = 2**31
FLUSH_S = 10.0

_ADD = text(
    """
    WITH mine AS (SELECT id FROM keys WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE)
    UPDATE keys SET seals = keys.seals + used.seals, unwraps = keys.unwraps + used.unwraps
    FROM mine JOIN unnest(:ids, :seals, :unwraps) AS used (id, seals, unwraps) ON used.id = mine.id
    WHERE keys.id = mine.id
    RETURNING keys.id, keys.seals
    """
).bindparams(*(bindparam(name, type_=ARRAY(BigInteger)) for name in ("ids", "seals", "unwraps")))


class KeyUses:
    """What this process used of each key since it last told the keys' database."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._uses: dict[int, Uses] = {}
        self._flush_at = time.monotonic() + FLUSH_S

    def of(self, key_id: int) -> Uses:
        """Return the counter of this key, one a process."""
        found = self._uses.get(key_id)
        if found is None:
            with self._lock:
                found = self._uses.setdefault(key_id, Uses())
        return found

    def is_due(self) -> bool:
        """Tell whether it is time to flush."""
        return time.monotonic() > self._flush_at

    def flush(self) -> list[int]:
        """Have told the keys' database all uses until now; return the keys that are due for a new version."""
        with self._lock:
            self._flush_at = time.monotonic() + FLUSH_S
            used = [
                (key_id, uses, ALLOWANCE - uses.left, uses.unwraps)
                for key_id, uses in sorted(self._uses.items())
                if not uses.spent and (uses.left != ALLOWANCE or uses.unwraps)
            ]
            if not used:
                return []
            ids, _, seals, unwraps = (list(column) for column in zip(*used, strict=True))
            with self._sessions.begin() as session:
                totals = session.execute(_ADD, {"ids": ids, "seals": seals, "unwraps": unwraps}).all()
            for _, uses, sealed, unwrapped in used:  # only what was told is given back: others count on meanwhile
                uses.left += sealed
                uses.unwraps -= unwrapped
            for key_id, total in totals:
                if total >= LAST_SEAL:
                    self._uses[key_id].spend()
            return [key_id for key_id, total in totals if total >= RENEW_AT]

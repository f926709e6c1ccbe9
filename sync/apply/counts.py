"""How often the owner and an address met in mail and in meetings: counted anew from the rows whenever they change.

Counting up and down would be cheaper and drift; this is exact whatever was stored or removed, in any order, twice or
not at all. The owner's own addresses are left out: nothing is decided by their counts, and they are in everything.
"""

import uuid
from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

_MAIL = text(
    """
    WITH wanted AS (
        SELECT c.id FROM correspondents c WHERE c.id = ANY(CAST(:ids AS uuid[])) AND NOT c.is_own
    ), direct AS (
        SELECT p.correspondent_id AS id,
            count(DISTINCT m.id) FILTER (WHERE m.direction = 'out' AND p.role IN ('to', 'cc', 'bcc')) AS written_to,
            count(DISTINCT m.id) FILTER (WHERE m.direction = 'in' AND p.role = 'from') AS received_from,
            count(DISTINCT m.id) FILTER (WHERE m.direction = 'in' AND p.role = 'from' AND (m.is_bulk OR m.is_auto))
                AS received_bulk,
            min(m.sent_at) AS first_at, max(m.sent_at) AS last_at
        FROM wanted w JOIN participations p ON p.correspondent_id = w.id JOIN messages m ON m.id = p.message_id
        GROUP BY p.correspondent_id
    ), answered AS (
        SELECT p.correspondent_id AS id, count(DISTINCT o.id) AS number
        FROM wanted w
        JOIN participations p ON p.correspondent_id = w.id AND p.role = 'from'
        JOIN messages m ON m.id = p.message_id
        JOIN messages o ON o.answers_index = m.message_id_index AND o.grant_id = m.grant_id AND o.direction = 'out'
        WHERE NOT EXISTS (
            SELECT 1 FROM participations r
            WHERE r.message_id = o.id AND r.correspondent_id = w.id AND r.role IN ('to', 'cc', 'bcc'))
        GROUP BY p.correspondent_id
    )
    UPDATE correspondents c SET
        written_to = coalesce(d.written_to, 0) + coalesce(a.number, 0),
        received_from = coalesce(d.received_from, 0),
        received_bulk = coalesce(d.received_bulk, 0),
        first_at = d.first_at, last_at = d.last_at
    FROM wanted w LEFT JOIN direct d ON d.id = w.id LEFT JOIN answered a ON a.id = w.id
    WHERE c.id = w.id
    """
)

_MEETINGS = text(
    """
    WITH wanted AS (
        SELECT c.id FROM correspondents c WHERE c.id = ANY(CAST(:ids AS uuid[])) AND NOT c.is_own
    ), met AS (
        SELECT a.correspondent_id AS id, count(DISTINCT m.id) AS number,
            min(o.starts_at) AS first_at, max(o.starts_at) FILTER (WHERE o.starts_at <= :now) AS last_at
        FROM wanted w JOIN attendances a ON a.correspondent_id = w.id
        JOIN meetings m ON m.id = a.meeting_id AND m.status <> 'cancelled'
        LEFT JOIN occurrences o ON o.meeting_id = m.id
        WHERE a.response <> 'declined'
        GROUP BY a.correspondent_id
    )
    UPDATE correspondents c SET met = coalesce(t.number, 0), first_at = t.first_at, last_at = t.last_at
    FROM wanted w LEFT JOIN met t ON t.id = w.id
    WHERE c.id = w.id
    """
)


def count_mail(session: Session, correspondent_ids: Collection[uuid.UUID]) -> None:
    """The counts of these correspondents are what the stored messages say."""
    if correspondent_ids:
        session.execute(_MAIL, {"ids": list(correspondent_ids)})


def count_meetings(session: Session, correspondent_ids: Collection[uuid.UUID], now: object) -> None:
    """The counts of these correspondents are what the stored meetings say."""
    if correspondent_ids:
        session.execute(_MEETINGS, {"ids": list(correspondent_ids), "now": now})

"""The sync engine: Google's collections into CRM records, resumable page by page, idempotent.

A collection is one mailbox, calendar or contact list of one grant. Intake seals while the plaintext is at hand;
plan decides, purely; apply acts in one short transaction a page; cursors move only after what they cover is
stored (DESIGN.md §6 *In*).
"""

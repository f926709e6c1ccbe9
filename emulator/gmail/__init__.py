"""Gmail: mailboxes, their messages, threads, labels, search and history.

Terms: a *message* is an immutable RFC 5322 text with changing labels; a *thread* is a group of messages;
`INBOX`, `TRASH`, `UNREAD` … are labels like any other; *history* is the list of changes of one mailbox,
each under a rising number (*history id*) with gaps, so that nobody counts on the next one.

Invariants: every change of a mailbox goes through `mailbox`, which bumps the history id and writes the
record in the same transaction; the text of a message is never copied into memory before it is asked for.

Imitates: developers.google.com/workspace/gmail/api/reference/rest (v1, discovery of 2026-10).
Differs from Google: no spam filter and no categories of its own; `send` delivers to accounts of this
emulator only; `watch` remembers its end but pushes nothing; drafts are listed and read, not edited.
"""

"""The Gmail add-on: Google calls us over HTTP with a signed event; we answer with cards (facts of Google's v1 schema).

Terms: the *system token* proves that Google calls this add-on; the *user token* says for whom; a *card* is a plain tree
with guarded leaves, opened by the sidebar sink. An expected failure is a 200 with a card that helps; only a failed
verification is a 401.
"""

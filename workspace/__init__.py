"""What we say to Google: mail, calendars and people, read in the cheapest way and answered in frozen types.

A *call* is one request of Google's, made from Google's own discovery documents; a *transport* carries calls for
one grant in one thread; the *meter* keeps one account within Google's quota; a *refusal* of Google's becomes one
error of `workspace.errors`. Invariants: nothing leaves for a host that was not configured; nothing is sent twice
unasked; an answer has a size limit; no error holds anything of an answer. Plaintext lives from here to `sync.intake`.
"""

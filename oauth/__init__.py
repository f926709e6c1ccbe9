"""Sign-in with Google, consent to one Google product at a time, custody of tokens, and the end of access.

An *attempt* is one trip of a browser to Google and back; a *feature* is a Google product with the one scope that we
ask for it; *custody* is the only place where a refresh token is at home. Invariants: `sub` is the identity; nothing
but identity is asked at sign-in; what Google says was granted counts, not what was asked; a refresh token is at rest
only sealed, an access token never; only Google's own `invalid_grant` suspends a grant, only its owner, an admin or a
security event ends it.
"""

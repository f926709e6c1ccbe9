"""Sign-in and consent as at Google: OpenID Connect, granular consent, tokens, revocation.

Terms: an *account* is a person; a *consent* is the set of scopes that an account gave the project, however
many tokens were made from it; revoking any token ends the consent and all its tokens. There is one
project, with the web client of `Config.client_id` and, if set, the add-on's client.

Imitates: developers.google.com/identity/protocols/oauth2/web-server and …/openid-connect.
Differs from Google: no password (choosing an account is enough); tokens are opaque and kept as hashes;
one signing key is published until keys are rotated, then two.
"""

"""The addresses of Google's OAuth endpoints, all on one host here."""

from __future__ import annotations

from flask import Blueprint

from emulator.oauth import exchange, identity, sign_in

blueprint = Blueprint("oauth", __name__, template_folder="templates")

blueprint.add_url_rule("/o/oauth2/v2/auth", "authorize", sign_in.authorize, methods=["GET", "POST"])
blueprint.add_url_rule("/token", "token", exchange.exchange, methods=["POST"])
blueprint.add_url_rule("/revoke", "revoke", exchange.revoke, methods=["POST"])
blueprint.add_url_rule("/v1/userinfo", "userinfo", identity.userinfo, methods=["GET", "POST"])
blueprint.add_url_rule("/tokeninfo", "tokeninfo", identity.tokeninfo, methods=["GET", "POST"])
blueprint.add_url_rule("/oauth2/v3/certs", "jwks", identity.jwks)
blueprint.add_url_rule("/oauth2/v1/certs", "certificates", identity.certificates)
blueprint.add_url_rule("/.well-known/openid-configuration", "configuration", identity.configuration)

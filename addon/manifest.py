"""The add-on's manifest (Google Workspace add-ons v1 Deployment), generated from the settings.

The scopes here, on the consent screen and in the Marketplace listing must be the same list.
"""

from typing import Any

from kernel.settings import Settings

NAME = "CRM.io"
AUTH = "https://www.googleapis.com/auth/"

SCOPES = (
    "openid",
    f"{AUTH}userinfo.email",
    f"{AUTH}gmail.addons.execute",
    f"{AUTH}gmail.addons.current.message.metadata",
)

HOME_PATH = "/addon/home"
MESSAGE_PATH = "/addon/gmail/message"
ACTION_PATH = "/addon/actions/"
LOGO_PATH = "/static/logo-96.png"


def manifest(settings: Settings) -> dict[str, Any]:
    """Return the deployment as Google's API takes it; every URL stands below the public URL."""
    root = settings.public_url.rstrip("/")
    return {
        "oauthScopes": list(SCOPES),
        "addOns": {
            "common": {
                "name": NAME,
                "logoUrl": root + LOGO_PATH,
                "homepageTrigger": {"runFunction": root + HOME_PATH, "enabled": True},
                "openLinkUrlPrefixes": [root + "/"],
                "universalActions": [
                    {"label": "Open CRM.io", "openLink": f"{root}/people"},
                    {"label": "Connections and disconnecting", "openLink": f"{root}/connections"},
                    {"label": "Privacy and Limited Use", "openLink": f"{root}/privacy"},
                ],
            },
            "gmail": {"contextualTriggers": [{"unconditional": {}, "onTriggerFunction": root + MESSAGE_PATH}]},
            "httpOptions": {"authorizationHeader": "SYSTEM_ID_TOKEN", "granularOauthPermissionSupport": "OPT_IN"},
        },
    }


def audiences(settings: Settings, path: str) -> list[str]:
    """Return what the system token's `aud` may be for a call of `path`: the URL declared for it, never the Host header.

    UNCERTAIN whether Google includes a query string; ours have none.
    """
    return [settings.public_url.rstrip("/") + path]

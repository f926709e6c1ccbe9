"""The application: one factory, everything it is made of in one list.

Invariants: strict Content Security Policy without inline script or style; every form carries a CSRF token; pages of
members are never cached; requests are bounded in size and rate; nothing is loaded from another host.
"""

import functools
import hashlib
import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, request
from flask_bootstrap import Bootstrap5
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from kernel.runtime import Runtime
from kernel.settings import Settings
from limited_use.release import check_rules
from limited_use.sinks import browser
from web import callers, commands, errors

View = TypeVar("View", bound=Callable[..., Any])

PRODUCT = "CRM.io for Google Workspace"
LARGEST_BODY = 1024 * 1024
LARGEST_FORM = 256 * 1024
MOST_FIELDS = 200
STATIC_AGE_S = 86_400

# Each module gives `blueprint`; one that takes no CSRF token (its callers are programs) says `CSRF_EXEMPT = True`;
# one that brings its own callers or other parts has `install(app, runtime)`.
PARTS = (
    "web.pages.home",
    "web.pages.notices",
    "web.pages.signin",
    "web.pages.connections",
    "web.pages.disconnect",
    "web.pages.members",
    "web.pages.team",
    "web.pages.settings",
    "web.pages.webhooks",
    "web.pages.people",
    "web.pages.export",
    "web.pages.companies",
    "web.pages.messages",
    "web.pages.tasks",
    "web.pages.deals",
    "web.pages.search",
    "web.pages.counts",
    "web.pages.requests",
    "web.pages.sharing",
    "web.pages.cases",
    "web.pages.log",
    "web.pages.rules",
    "web.pages.privacy",
    "web.pages.health",
    "web.pages.scheduler",
    "web.addon",
    "web.api.people",
    "web.api.ai",
    "web.api.described",
)

# Sign-in, what a program may call, and what costs much, per caller's address.
RATES = {
    "signin.start": "20 per minute",
    "signin.callback": "40 per minute",
    "signin.connect": "30 per minute",
    "log.check": "6 per minute",  # it reads the whole log
    "requests.ask": "30 per minute",
    "webhooks.confirm": "10 per minute",  # it takes a code
    "webhooks.challenge": "10 per minute",  # it has something sent
    "webhooks.test": "10 per minute",  # likewise
    "export.download": "12 per minute",  # it reads all that a member sees
}


def create_app(runtime: Runtime, parts: tuple[str, ...] = PARTS) -> Flask:
    """Return the application on this runtime.

    It refuses to start with a route that names no caller, and with rules of the guard that cannot be used.
    """
    check_rules()
    app = Flask("web", root_path=str(Path(__file__).parent), static_url_path="/static")
    _configure(app, runtime.settings)
    browser.prepare(app.jinja_env)
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    limiter = _limiter(app, runtime.settings)
    callers.install(app, runtime)
    errors.install(app)
    for name in parts:
        module = importlib.import_module(name)
        blueprint: Blueprint = module.blueprint
        if getattr(module, "CSRF_EXEMPT", False):
            csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
        if hasattr(module, "install"):
            module.install(app, runtime)
    commands.install(app, runtime)
    _declare_static(app)
    _apply_rates(app, limiter)
    callers.check_all_declared(app)
    app.after_request(_protect(runtime.settings))
    return app


def _configure(app: Flask, settings: Settings) -> None:
    tls = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-form" if tls else "form",
        SESSION_COOKIE_SECURE=tls,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        MAX_FORM_PARTS=MOST_FIELDS,
        SEND_FILE_MAX_AGE_DEFAULT=STATIC_AGE_S,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the form's session: an hour would lose what people typed
        WTF_CSRF_SSL_STRICT=tls,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.jinja_env.globals["product"] = PRODUCT
    app.url_defaults(_mark_static)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if tls:
        # gunicorn speaks plain HTTP, so TLS means exactly one proxy of the operator's in front.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]  # Flask's documented way


def _mark_static(endpoint: str, values: dict[str, object]) -> None:
    """Put a mark of a static file's content into its address, so that caches never serve an old one."""
    if endpoint == "static":
        values["v"] = _mark(str(values["filename"]))


@cache
def _mark(filename: str) -> str:
    return hashlib.sha256((Path(__file__).parent / "static" / filename).read_bytes()).hexdigest()[:12]


def _limiter(app: Flask, settings: Settings) -> Limiter:
    url = settings.redis_url
    return Limiter(
        get_remote_address,
        app=app,
        storage_uri="redis+" + url if url.startswith("unix://") else url,
        key_prefix="rate",
        strategy="fixed-window",
        headers_enabled=False,
        # Redis away: still limited, by each process on its own.
        in_memory_fallback_enabled=True,
    )


def _apply_rates(app: Flask, limiter: Limiter) -> None:
    for endpoint, view in list(app.view_functions.items()):
        rate = RATES.get(endpoint) or ("300 per minute" if request_is_program(endpoint) else None)
        if rate is not None:
            limited: Any = limiter.limit(rate)(view)
            app.view_functions[endpoint] = limited


def request_is_program(endpoint: str) -> bool:
    """Say whether the endpoint is of the tokens' API."""
    return endpoint.startswith("api")


def _declare_static(app: Flask) -> None:
    """Declare Flask's and Bootstrap's own views, which serve the same files to anyone."""
    for endpoint in ("static", "bootstrap.static"):
        app.view_functions[endpoint] = _public(app.view_functions[endpoint])


def _public(view: View) -> View:
    @functools.wraps(view)
    def serve(**values: str) -> Any:
        return view(**values)

    return cast("View", callers.caller("public")(serve))


def _protect(settings: Settings) -> Callable[[Response], Response]:
    google = urlsplit(settings.google.authorize)
    policy = "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            # A form that begins a sign-in answers with a redirect to Google; Chromium holds redirects to this list too.
            f"form-action 'self' {google.scheme}://{google.netloc}",
            "base-uri 'none'",
            "object-src 'none'",
            "frame-ancestors 'none'",
        )
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if settings.public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    def protect(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if request.endpoint not in {"static", "bootstrap.static"}:
            response.headers["Cache-Control"] = "no-store"
        return response

    return protect

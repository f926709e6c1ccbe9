"""Giving letters to the mail server that the operator set: over TLS, and over nothing else but to this machine."""

import contextlib
import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kernel.errors import AppError
from kernel.runtime import Runtime
from kernel.settings import Settings
from limited_use import egress
from limited_use.egress.errors import EgressFailed, EgressRefused
from limited_use.egress.pools import tls_context
from limited_use.sinks.mail import Finished

DESTINATION = "mail_server"
TIMEOUT_S = 20.0
_PASSING = range(400, 500)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the mail server did not take a letter: a code, and whether trying again may help."""

    code: str
    may_pass: bool


class _Session(smtplib.SMTP):
    """A conversation over a connection that our own client made."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        parts = urlsplit(runtime.settings.smtp_url)
        self._name = parts.hostname or ""
        self._context = tls_context(runtime.settings.egress_ca_file)
        self._begins_with_tls = parts.scheme == "smtps"
        # Our own name is given, or the library would look this machine up.
        super().__init__(self._name, parts.port or 0, local_hostname=host_of(runtime.settings), timeout=TIMEOUT_S)

    def _get_socket(self, _host: str, _port: int, timeout: Any) -> socket.socket:  # the library's own seam
        made = egress.client(self._runtime).connect(DESTINATION, timeout_s=timeout)
        return self._context.wrap_socket(made, server_hostname=self._name) if self._begins_with_tls else made

    def secure(self) -> bool:
        """Speak TLS from here on, and tell whether it is spoken."""
        self.ehlo_or_helo_if_needed()
        if not self._begins_with_tls and self.has_extn("starttls"):
            self.starttls(context=self._context)
            return True
        return self._begins_with_tls

    @property
    def is_on_this_machine(self) -> bool:
        """Tell whether the server is on this machine, to which alone we speak without TLS."""
        return self._name in _LOOPBACK


def send(runtime: Runtime, finished: Finished) -> Problem | None:
    """Give the letter to the mail server; return why it did not take it, None if it did."""
    try:
        session = _Session(runtime)
        try:
            return _hand_over(session, runtime.settings, finished)
        finally:
            # Not the library's own leave-taking: what that raises would hide that the letter was taken.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                session.quit()
            session.close()
    except (OSError, smtplib.SMTPException, EgressFailed, EgressRefused) as error:
        return _problem(error)


def _hand_over(session: _Session, settings: Settings, finished: Finished) -> Problem | None:
    if not session.secure() and not session.is_on_this_machine:
        return Problem("mail_without_tls", may_pass=False)
    if settings.smtp_user:
        session.login(settings.smtp_user, settings.smtp_password)
    session.sendmail(finished.sender, [finished.to], finished.message)
    return None


def _problem(error: Exception) -> Problem:
    """Return the error in a word; what a server says may name addresses, so nothing of it is kept."""
    if isinstance(error, AppError):
        return Problem(error.code, may_pass=error.retry)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Problem("mail_not_signed_in", may_pass=True)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return Problem("mail_refused", may_pass=all(code in _PASSING for code, _ in error.recipients.values()))
    if isinstance(error, smtplib.SMTPResponseException):
        return Problem("mail_refused", may_pass=error.smtp_code in _PASSING)
    return Problem("mail_untrusted" if isinstance(error, ssl.SSLError) else "mail_failed", may_pass=True)


def host_of(settings: Settings) -> str:
    """Return the name under which we greet and number letters."""
    return urlsplit(settings.public_url).hostname or "localhost"

"""A mail server on loopback, the application with it set, and Anna."""

from dataclasses import replace

import pytest

from tests.privacy.mail_server import make_certificate, serving
from tests.signing_in import anna, app, google, migrated

__all__ = ["anna", "app", "google", "migrated"]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("mail"))


@pytest.fixture(scope="session")
def mail_server(certificate):
    with serving(certificate) as made:
        yield made


@pytest.fixture(scope="session")
def settled(migrated, mail_server, certificate):
    """The settings with a mail server."""
    return replace(
        migrated,
        smtp_url=f"smtp://127.0.0.1:{mail_server.port}",
        mail_from="crm@own.example",
        egress_ca_file=str(certificate.authority),
    )


@pytest.fixture(autouse=True)
def _fresh(mail_server):
    mail_server.reset()

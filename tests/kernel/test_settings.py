"""Settings: every fault at once, in sentences; secrets never in sight."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.settings import GMAIL_UNITS_PER_MINUTE, LOCAL_UNITS_PER_MINUTE, RUN_FILE, Settings, SettingsError

ROOT = Path(__file__).parent.parent.parent
SECRET = "0123456789abcdef" * 4
GOOD = {
    "DATABASE_URL": "postgres://crm:hunter2-password@db.example.test:5432/crm",
    "KEYS_DATABASE_URL": "postgresql://crm:hunter2-password@db.example.test/keys",
    "REDIS_URL": "rediss://:hunter2-password@cache.example.test:6379/0",
    "PUBLIC_URL": "https://crm.example.test/",
    "SECRET_KEY": SECRET,
    "KEYRING_PATH": "/etc/crm/keyring.json",
    "LOG_KEY_PATH": "/etc/crm/log-key.pem",
    "GOOGLE_CLIENT_ID": "client.apps.example.test",
    "GOOGLE_CLIENT_SECRET": "google-client-secret-value",
}


def faults(**changes: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({**GOOD, "CRM_DATA_FOLDER": "/nowhere", **changes})
    return raised.value.faults


def test_good_settings_are_read() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.database_url == "postgresql+psycopg://crm:hunter2-password@db.example.test:5432/crm"
    assert settings.public_url == "https://crm.example.test"
    assert settings.log_origin == "crm.example.test/limited-use-log"
    assert settings.google.token == "https://oauth2.googleapis.com/token"
    assert settings.gmail_units_per_minute == GMAIL_UNITS_PER_MINUTE
    assert settings.addon_client_id == settings.google_client_id
    assert not settings.is_local_google


def test_a_key_service_takes_the_place_of_the_key_file() -> None:
    name = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"
    settings = Settings.from_environment({**GOOD, "KEYRING_PATH": "", "KMS_KEY": name})
    assert (settings.kms_key, settings.keyring_path) == (name, None)
    assert settings.google.kms_root == "https://cloudkms.googleapis.com/"
    both = Settings.from_environment({**GOOD, "KMS_KEY": name, "KMS_CREDENTIALS": "/etc/crm/account.json"})
    assert both.keyring_path == Path(GOOD["KEYRING_PATH"])
    assert both.kms_credentials == Path("/etc/crm/account.json")


def test_mail_has_a_server_and_a_sender_or_neither() -> None:
    assert Settings.from_environment(GOOD).smtp_url == ""
    mail = {"SMTP_URL": "smtps://mail.example.test:465", "SMTP_USER": "robot", "SMTP_PASSWORD": "hunter2-password"}
    read = Settings.from_environment({**GOOD, **mail, "MAIL_FROM": "crm@own.example"})
    assert (read.smtp_url, read.mail_from) == ("smtps://mail.example.test:465", "crm@own.example")
    assert "hunter2" not in repr(read)
    (fault,) = faults(SMTP_URL="smtp://mail.example.test:587")
    assert fault.startswith("MAIL_FROM is not set")


def test_app_engine_is_known_by_what_it_sets_itself() -> None:
    assert not Settings.from_environment(GOOD).on_app_engine
    assert Settings.from_environment({**GOOD, "GAE_INSTANCE": "aef-default-20261122"}).on_app_engine


def test_an_empty_environment_reports_every_absence_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({"CRM_DATA_FOLDER": str(tmp_path)})
    told = "\n".join(raised.value.faults)
    for name in GOOD:
        assert f"{name} is not set" in told
    assert all(fault.endswith(".") for fault in raised.value.faults)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db/crm"),
        ("REDIS_URL", "http://cache"),
        ("PUBLIC_URL", "http://crm.example.test"),
        ("PUBLIC_URL", "https://crm.example.test/crm"),
        ("PUBLIC_URL", "https://user@crm.example.test"),
        ("PUBLIC_URL", "ftp://localhost"),
        ("PUBLIC_URL", "https://[broken"),
        ("SECRET_KEY", "short"),
        ("GOOGLE_ROOT", "http://google.example.test"),
        ("GOOGLE_ROOT", "https://127.0.0.1:1"),
        ("CRM_ENVIRONMENT", "cloud"),
        ("KMS_KEY", "projects/p/cryptoKeys/k"),
        ("GMAIL_UNITS_PER_MINUTE", "many"),
        ("GMAIL_UNITS_PER_MINUTE", "1"),
        ("WEB_THREADS", "0"),
        ("PORT", "70000"),
        ("LOG_LEVEL", "LOUD"),
        ("SMTP_URL", "https://mail.example.test"),
        ("SMTP_URL", "smtp://mail.example.test"),
        ("SMTP_URL", "smtp://robot:secret@mail.example.test:587"),
        ("SMTP_URL", "smtps://mail.example.test:465/inbox"),
        ("SMTP_URL", "smtp://[broken:25"),
        ("MAIL_FROM", "CRM <crm@own.example>"),
        ("MAIL_FROM", "robot"),
    ],
)
def test_a_bad_value_is_one_fault_that_names_its_variable_and_not_the_value(name: str, value: str) -> None:
    (fault,) = faults(**{name: value})
    assert fault.startswith(name)
    assert value not in fault or value == "1"


def test_two_faults_are_told_together() -> None:
    assert len(faults(SECRET_KEY="short", LOG_LEVEL="LOUD")) == 2


def test_keys_must_not_lie_in_the_datas_own_database() -> None:
    (fault,) = faults(KEYS_DATABASE_URL=GOOD["DATABASE_URL"])
    assert fault.startswith("KEYS_DATABASE_URL")


def test_a_local_google_moves_every_endpoint_and_widens_the_quota() -> None:
    settings = Settings.from_environment(
        {**GOOD, "GOOGLE_ROOT": "http://127.0.0.1:8081/", "PUBLIC_URL": "http://localhost:8080"}
    )
    ours = settings.google
    addresses = (ours.authorize, ours.token, ours.revoke, ours.certs, ours.userinfo)
    assert all(address.startswith("http://127.0.0.1:8081/") for address in addresses)
    assert {ours.gmail_root, ours.calendar_root, ours.people_root} == {"http://127.0.0.1:8081/"}
    assert settings.is_local_google
    assert settings.gmail_units_per_minute == LOCAL_UNITS_PER_MINUTE


def test_the_repr_shows_no_secret_and_no_password() -> None:
    told = repr(Settings.from_environment(GOOD))
    assert "hunter2" not in told
    assert SECRET not in told
    assert "google-client-secret-value" not in told
    assert "db.example.test" in told


@given(st.dictionaries(st.sampled_from(sorted({*GOOD, "GOOGLE_ROOT", "PORT", "LOG_ORIGIN"})), st.text(max_size=40)))
def test_no_environment_raises_anything_but_faults(environ: dict[str, str]) -> None:
    with contextlib.suppress(SettingsError):
        Settings.from_environment({**environ, "CRM_DATA_FOLDER": "/nowhere"})


def test_a_running_product_lends_its_settings_to_commands_beside_it(tmp_path: Path) -> None:
    file = tmp_path / RUN_FILE
    file.write_text(json.dumps(GOOD))
    file.chmod(0o600)
    settings = Settings.from_environment({"CRM_DATA_FOLDER": str(tmp_path), "LOG_LEVEL": "ERROR"})
    assert settings.google_client_id == GOOD["GOOGLE_CLIENT_ID"]
    assert settings.log_level == "ERROR"


def test_settings_that_others_could_have_written_are_not_taken(tmp_path: Path) -> None:
    file = tmp_path / RUN_FILE
    file.write_text(json.dumps(GOOD))
    file.chmod(0o644)
    with pytest.raises(SettingsError):
        Settings.from_environment({"CRM_DATA_FOLDER": str(tmp_path)})


def test_every_variable_is_explained_to_operators() -> None:
    source = (ROOT / "kernel" / "settings.py").read_text()
    page = (ROOT / "docs" / "operators" / "settings.md").read_text()
    named = {word for word in source.replace('"', " ").split() if word.isupper() and "_" in word}
    for name in {*GOOD, "GOOGLE_ROOT", "CRM_ENVIRONMENT", "CRM_DATA_FOLDER", "SYNC_POLL_SECONDS", "WEB_THREADS"}:
        assert name in named or f'"{name}"' in source
        assert f"`{name}`" in page
    for name in (
        "ADDON_CLIENT_ID",
        "ADDON_SERVICE_ACCOUNT",
        "GMAIL_UNITS_PER_MINUTE",
        "LOG_LEVEL",
        "PORT",
        "LOG_ORIGIN",
    ):
        assert f"`{name}`" in page

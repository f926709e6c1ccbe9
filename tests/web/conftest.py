"""The local Google, the application on it, and a person who signs in."""

from tests.signing_in import anna, app, google, migrated
from tests.web.office import office

__all__ = ["anna", "app", "google", "migrated", "office"]

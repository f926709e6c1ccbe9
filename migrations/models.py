"""Every mapped table of the product, imported so that the metadata is whole."""

import importlib
from pathlib import Path

from kernel.database import Base, KeysBase

ROOT = Path(__file__).parent.parent
PRODUCT = ("kernel", "accounts", "limited_use", "workspace", "oauth", "crm", "sync", "privacy", "addon", "web")
METADATA = {"main": Base.metadata, "keys": KeysBase.metadata}


def load() -> None:
    """Import each module of the product that maps a table; none can be forgotten in a list."""
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "__tablename__ = " in path.read_text(encoding="utf-8"):
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))

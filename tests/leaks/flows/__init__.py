"""The legitimate flows; each registers itself when it is loaded."""

import importlib
from pathlib import Path


def load() -> None:
    """Every flow is registered."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem != "__init__":
            importlib.import_module(f"{__name__}.{path.stem}")

"""What one local Google is told when it starts; it reads no environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Config:
    """The settings of one emulator.

    `state` is the folder that survives a restart. `takeout` is loaded once, into an empty state; without it
    sample data are generated. `quota_per_minute` is in Gmail units per user; the other APIs' limits are
    scaled with it. `addon_url` is the base address of the add-on that the emulator plays host to.
    """

    state: Path
    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...]
    takeout: Path | None = None
    owner: str | None = None
    port: int = 0
    quota_per_minute: int = 150_000
    addon_url: str | None = None
    addon_client_id: str | None = None

    def __repr__(self) -> str:
        """Name the settings without the secret, so that a config may be printed."""
        return f"Config(state={self.state}, port={self.port}, takeout={self.takeout})"

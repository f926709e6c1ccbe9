"""A figure: what was measured, what the peer took, and what the budget allows."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the result. `most` or `least` is the budget; without either the figure only informs."""

    what: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    peer: str = ""
    peer_value: float | None = None

    @property
    def verdict(self) -> str:
        """Return `met`, `MISSED`, or nothing where there is no budget."""
        if self.most is None and self.least is None:
            return ""
        over = self.most is not None and self.value > self.most
        under = self.least is not None and self.value < self.least
        return "MISSED" if over or under else "met"

    @property
    def budget(self) -> str:
        """Return the budget as it is read."""
        if self.most is not None:
            return f"at most {shown(self.most)}"
        return f"at least {shown(self.least)}" if self.least is not None else ""

    def lines(self) -> list[str]:
        """Return the figure, and below it its peer with the ratio."""
        told = [f"  {self.what:<46} {shown(self.value):>10} {self.unit:<22} {self.budget:<18} {self.verdict}".rstrip()]
        if self.peer_value is not None:
            ratio = f"   ours is {self.value / self.peer_value:.2f} times that" if self.peer_value else ""
            told.append(f"    {self.peer:<44} {shown(self.peer_value):>10} {self.unit}{ratio}")
        return told


def shown(value: float) -> str:
    """Return a number with three digits that matter, and thousands apart."""
    if abs(value) >= 100:  # noqa: PLR2004 -- from here on, decimals say nothing
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percentile(values: list[float], share: float) -> float:
    """Return the smallest of the values that this share of them does not pass."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

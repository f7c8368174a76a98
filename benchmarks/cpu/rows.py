"""What a part of the benchmark says: lines of the table, and figures for the plots."""

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Part", "Row", "at_least", "at_most"]


@dataclass
class Row:
    """One line of the table: what was reached, and whether that is what was promised."""

    item: str
    reached: str
    wanted: str = ""
    met: bool | None = None


@dataclass
class Part:
    """The lines of one part, and the numbers behind them."""

    title: str
    rows: list[Row] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the part as plain values, which JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Part":
        """Return the part that `to_dict` turned into plain values."""
        return cls(**{**values, "rows": [Row(**row) for row in values["rows"]]})


def at_least(item: str, value: float, limit: float, unit: str = "x", note: str = "") -> Row:
    """Return the line of a figure that should be large."""
    return Row(item, f"{value:.2f} {unit}{note}", f">= {limit:g} {unit}", value >= limit)


def at_most(item: str, value: float, limit: float, unit: str, note: str = "") -> Row:
    """Return the line of a figure that should be small."""
    return Row(item, f"{value:.2f} {unit}{note}", f"<= {limit:g} {unit}", value <= limit)

"""Sources matched against a list of positions: what the list says of each, and which are kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skyshed.catalog.registry import Column
from skyshed.catalog.table import add_column
from skyshed.output.table_parts import PlainTable

if TYPE_CHECKING:  # slow to import
    from astropy.table import QTable

__all__ = ["KINDS", "SELECTIONS", "Association", "add_association", "selected", "selected_parts"]

#: How what several entries within the radius say becomes one value, and which sources are kept.
KINDS = ("nearest", "first", "mean", "sum", "min", "max", "mag_mean", "mag_sum")
SELECTIONS = ("matched", "unmatched", "all")
#: The columns: how many entries are within the radius, and what they say.
NUMBER, VECTOR = "NUMBER_ASSOC", "VECTOR_ASSOC"
NUMBER_COLUMN = Column(
    NUMBER, description="Entries of the list within the radius.", ucd="meta.number"
)
VECTOR_COLUMN = Column(
    VECTOR, description="What the list says; 0 where no entry is near.", ucd="meta.note"
)


@dataclass(frozen=True, eq=False)
class Association:
    """A list of positions that sources are matched against, as SExtractor's ASSOC.

    Attributes
    ----------
    x, y : array of float64, shape (m,)
        Positions: pixels from 0 or, with ``world``, right ascension and declination in degrees.
    values : array of float64, shape (m, k)
        What the list says of each: the column ``VECTOR_ASSOC`` of the table.
    radius : float
        How far from a source, in pixels, an entry may be.
    kind : str
        How several entries within the radius become one value: one of ``"nearest"``, ``"first"``,
        ``"mean"``, ``"sum"``, ``"min"``, ``"max"``; ``"mag_mean"`` and ``"mag_sum"`` of the fluxes
        that values are magnitudes of.
    select : {"matched", "unmatched", "all"}
        The sources that the table has.
    world : bool
        Whether positions are on the sky.

    Raises
    ------
    ValueError
        If shapes differ, or an option is not one of those listed.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.chain.association import Association
    >>> stars = Association([10.2, 30.0], [5.0, 7.0], [[17.5], [18.0]], radius=2)
    >>> number, values = stars.match(np.array([10.0, 50.0]), np.array([5.0, 5.0]))
    >>> number, values.tolist()
    (array([1, 0]), [[17.5], [0.0]])
    """

    x: Any
    y: Any
    values: Any
    radius: float = 2.0
    kind: str = "nearest"
    select: str = "matched"
    world: bool = False

    def __post_init__(self) -> None:
        for name in ("x", "y", "values"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))
        if self.x.ndim != 1 or self.x.shape != self.y.shape:
            raise ValueError(
                f"x and y of an association must be lists of one length, got {self.x.shape} and "
                f"{self.y.shape}"
            )
        if self.values.ndim != 2 or len(self.values) != len(self.x):
            raise ValueError(
                "values of an association must have a row for each position, "
                f"{len(self.x)} in all; got shape {self.values.shape}"
            )
        for name, allowed in (("kind", KINDS), ("select", SELECTIONS)):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} of an association must be one of {', '.join(allowed)}; got "
                    f"{getattr(self, name)!r}"
                )
        if not self.radius > 0:
            raise ValueError(f"radius of an association must be positive, got {self.radius!r}")

    def in_pixels(self, wcs: Any) -> "Association":
        """Return the same with positions in pixels.

        Raises
        ------
        ValueError
            If positions are on the sky, and there is no WCS.
        """
        if not self.world:
            return self
        if wcs is None:
            raise ValueError("association has positions on the sky, and the image no WCS: give wcs")
        from astropy.coordinates import SkyCoord

        x, y = wcs.world_to_pixel(SkyCoord(self.x, self.y, unit="deg"))
        return replace(self, x=x, y=y, world=False)

    def match(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return how many entries are near each of n sources, and what they say, shape (n, k)."""
        from scipy.spatial import KDTree

        n = len(x)
        number, values = np.zeros(n, np.int64), np.zeros((n, self.values.shape[1]))
        known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        listed = np.flatnonzero(np.isfinite(self.x) & np.isfinite(self.y))
        if known.size == 0 or listed.size == 0:
            return number, values
        one = KDTree(np.stack([np.asarray(x)[known], np.asarray(y)[known]], axis=1))
        other = KDTree(np.stack([self.x[listed], self.y[listed]], axis=1))
        pairs = one.sparse_distance_matrix(other, self.radius, output_type="ndarray")
        source, entry, distance = known[pairs["i"]], listed[pairs["j"]], pairs["v"]
        # In a fixed order, whichever sources are matched together.
        order = np.lexsort((entry, distance if self.kind == "nearest" else entry, source))
        source, entry = source[order], entry[order]
        found, first, count = np.unique(source, return_index=True, return_counts=True)
        number[found] = count
        if found.size:
            values[found] = self._joined(self.values[entry], first, count)
        return number, values

    def _joined(self, values: Any, first: Any, count: Any) -> Any:
        """Return one row for each group of rows that begins at ``first``."""
        if self.kind in ("nearest", "first"):
            return values[first]
        if self.kind in ("min", "max"):
            return (np.minimum if self.kind == "min" else np.maximum).reduceat(values, first)
        magnitudes = self.kind.startswith("mag_")
        sums = np.add.reduceat(10 ** (-0.4 * values) if magnitudes else values, first)
        if self.kind.endswith("mean"):
            sums = sums / count[:, None]
        return -2.5 * np.log10(sums) if magnitudes else sums

    def keeps(self, number: Any) -> Any:
        """Return which sources are kept, given how many entries are near each."""
        if self.select == "all":
            return np.ones(len(number), bool)
        return (number > 0) == (self.select == "matched")

    def digest(self) -> list[Any]:
        """Return what tells it from others, as JSON can hold it."""
        import hashlib

        content = np.column_stack([self.x, self.y, self.values])
        return [
            hashlib.sha256(np.ascontiguousarray(content).tobytes()).hexdigest(),
            *map(str, (content.shape, self.radius, self.kind, self.world)),
        ]


def add_association(table: Any, catalog: Any, association: Association | None) -> Any:
    """Add what a list says of the sources of a catalog to their table."""
    if association is None:
        return table
    number, values = association.match(*(getattr(catalog, f"{axis}centroid") for axis in "xy"))
    add_column(table, NUMBER_COLUMN, number)
    add_column(table, VECTOR_COLUMN, values)
    return table


def selected(table: "QTable", association: Association | None) -> "QTable":
    """Return the rows of a table that an association keeps."""
    return table if association is None else table[association.keeps(np.asarray(table[NUMBER]))]


def selected_parts(
    parts: Callable[[], Iterator[PlainTable]], n_rows: int, association: Association | None
) -> tuple[Callable[[], Iterator[PlainTable]], int]:
    """Return the parts of a table with the rows that are kept, and how many these are.

    Parts are read twice: the first time only to see which.
    """
    if association is None:
        return parts, n_rows
    keeps = association.keeps
    kept = np.zeros(n_rows, bool)
    for part in parts():
        kept[part.places] = keeps(part.columns[NUMBER])
    place = np.cumsum(kept) - 1

    def some() -> Iterator[PlainTable]:
        for part in parts():
            chosen = np.flatnonzero(keeps(part.columns[NUMBER]))
            if chosen.size:
                yield replace(part[chosen], rows=place[part.places[chosen]])

    return some, int(kept.sum())

"""The columns of a catalog before they are a table of astropy's.

Importing `astropy.table` and making a `~astropy.table.QTable` of a catalog take a sixth of the time
of a command for a small image, which only writes the columns. `BareTable` has what is needed to put
columns together, and nothing else.
"""

from types import SimpleNamespace
from typing import Any, overload

import numpy as np

__all__ = ["BareColumn", "BareTable"]


class BareColumn:
    """One column: its values, and what is said of them.

    Attributes
    ----------
    values : array, Quantity or SkyCoord
        One per source.
    info : SimpleNamespace
        Its ``description``, or `None`, and its ``meta``.
    """

    def __init__(
        self, values: Any, description: str | None = None, meta: dict[str, Any] | None = None
    ) -> None:
        self.values = values
        self.info = SimpleNamespace(description=description, meta=meta or {})

    @property
    def dtype(self) -> Any:
        """That of the values; `None` for coordinates."""
        return getattr(self.values, "dtype", None)

    @property
    def unit(self) -> Any:
        """That of the values, or `None`."""
        return getattr(self.values, "unit", None)

    def __iter__(self) -> Any:
        return iter(self.values)

    def __setitem__(self, rows: Any, values: Any) -> None:
        self.values[rows] = values

    def copy(self) -> "BareColumn":
        """Return the column with values of its own."""
        return BareColumn(self.values.copy(), self.info.description, self.info.meta)

    def astype(self, dtype: Any) -> "BareColumn":
        """Return the column with its values as another dtype."""
        return BareColumn(self.values.astype(dtype), self.info.description, self.info.meta)


class BareTable:
    """Columns in order, by name; as much of `~astropy.table.QTable` as makes a catalog's table.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.catalog.bare_table import BareTable
    >>> table = BareTable()
    >>> table["label"] = np.array([1, 2])
    >>> table.add_column(np.array(["a", "b"]), name="name", index=0)
    >>> table.colnames, len(table), table["label"].values
    (['name', 'label'], 2, array([1, 2]))
    """

    def __init__(self) -> None:
        self.meta: dict[str, Any] = {}
        self._columns: dict[str, BareColumn] = {}

    @property
    def colnames(self) -> list[str]:
        """The names of the columns."""
        return list(self._columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())).values) if self._columns else 0

    @overload
    def __getitem__(self, name: str) -> BareColumn: ...
    @overload
    def __getitem__(self, name: list[str]) -> "BareTable": ...
    def __getitem__(self, name: str | list[str]) -> "BareColumn | BareTable":
        if isinstance(name, str):
            return self._columns[name]
        chosen = BareTable()
        chosen.meta = self.meta
        chosen._columns = {each: self._columns[each] for each in name}
        return chosen

    def __setitem__(self, name: str, values: Any) -> None:
        if not isinstance(values, BareColumn):
            values = BareColumn(values if hasattr(values, "shape") else np.asarray(values))
        self._columns[name] = values

    def add_column(self, values: Any, name: str, index: int | None = None) -> None:
        """Add a column, at a place among the others."""
        self[name] = values
        if index is not None:
            added = self._columns.pop(name)
            names = list(self._columns.items())
            self._columns = dict([*names[:index], (name, added), *names[index:]])

    def replace_column(self, name: str, column: BareColumn) -> None:
        """Put another column in the place of one."""
        self._columns[name] = column

    def remove_column(self, name: str) -> None:
        """Leave a column out."""
        del self._columns[name]

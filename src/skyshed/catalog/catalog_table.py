"""A table whose columns are found under the guide's name and under photutils 3's.

It is a module of its own because `astropy.table` takes a third of the time of importing skyshed: a
catalog imports it when it makes a table.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from astropy.io.registry import UnifiedReadWriteMethod
from astropy.table import QTable, TableColumns
from astropy.table.connect import TableWrite

from skyshed.catalog.registry import other_name

__all__ = ["CatalogTable"]

#: Methods of a table that take the names of its columns, or one, as their first argument.
TAKE_NAMES = (
    "__setitem__", "__delitem__", "add_index", "argsort", "group_by", "keep_columns",
    "remove_column", "remove_columns", "remove_indices", "rename_column", "rename_columns",
    "replace_column", "sort",
)  # fmt: skip


class _Columns(TableColumns):  # type: ignore[misc]  # astropy has no types
    """The columns of a table; its rows look their values up here, too."""

    def __missing__(self, name: Any) -> Any:
        # A row passes on whatever it is indexed by, which need not be a name.
        other = other_name(name) if isinstance(name, str) else None
        if other is None or other not in self:
            raise KeyError(name)
        return self[other]


class _Write(TableWrite):  # type: ignore[misc]
    """Writes a table, without columns in which no source has anything.

    ``sky_centroid`` is a column of None where there is no WCS, which no format holds.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        table = self._instance
        empty = [
            name
            for name in table.colnames
            if getattr(table[name], "dtype", None) == np.dtype(object)
            and all(value is None for value in table[name])
        ]
        if empty:
            table = table.copy(copy_data=False)
            table.remove_columns(empty)
        return TableWrite(table, QTable)(*args, **kwargs)


class CatalogTable(QTable):  # type: ignore[misc]
    """A `~astropy.table.QTable` whose columns are found under either of their names.

    Examples
    --------
    >>> from skyshed.catalog.catalog_table import CatalogTable
    >>> table = CatalogTable({"label": [1, 2], "xcentroid": [7.5, 3.0]})
    >>> table["x_centroid"][0], table[1]["x_centroid"], "x_centroid" in table
    (np.float64(7.5), np.float64(3.0), True)
    >>> table.sort("x_centroid")
    >>> table.colnames
    ['label', 'xcentroid']
    """

    TableColumns = _Columns
    write = UnifiedReadWriteMethod(_Write)

    def __contains__(self, name: Any) -> bool:
        return self._own_name(name) in self.columns

    def _own_name(self, name: Any) -> Any:
        """Return this table's name of a column, or of each in a list; anything else as it is."""
        if isinstance(name, (list, tuple)):
            return [self._own_name(each) for each in name]
        if not isinstance(name, str) or name in self.columns:
            return name
        other = other_name(name)
        return other if other in self.columns else name


def _with_own_names(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of a table that takes either name of a column."""
    keyword = list(inspect.signature(method).parameters)[1]

    @functools.wraps(method)
    def renamed(self: CatalogTable, *args: Any, **kwargs: Any) -> Any:
        if args:
            args = (self._own_name(args[0]), *args[1:])
        elif keyword in kwargs:
            kwargs[keyword] = self._own_name(kwargs[keyword])
        return method(self, *args, **kwargs)

    return renamed


for _name in TAKE_NAMES:
    setattr(CatalogTable, _name, _with_own_names(getattr(QTable, _name)))

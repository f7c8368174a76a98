"""Properties that the user adds to a catalog: a dictionary of names and values."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from skyshed.catalog.registry import ALIASES, COLUMNS
from skyshed.names import ATTRIBUTES

__all__ = ["add", "remove", "rename", "take"]


def add(catalog: Any, extra: dict[str, Any], name: str, value: Any, overwrite: bool) -> None:
    """Add a property of a catalog to ``extra``; see `SourceCatalog.add_extra_property`."""
    is_name_taken = name in COLUMNS or name in ALIASES or name in ATTRIBUTES
    if is_name_taken or name in vars(catalog) or hasattr(type(catalog), name):
        raise ValueError(
            f"{name!r} cannot be set because it is a built-in attribute of every catalog: "
            "choose another name"
        )
    if name in extra and not overwrite:
        raise ValueError(
            f"{name!r} already exists as an attribute: set overwrite=True to replace it"
        )
    extra[name] = _checked(name, value, catalog.nlabels, catalog.isscalar)


def _checked(name: str, value: Any, n_sources: int, is_scalar: bool) -> Any:
    """Return a value that has one element for each source."""
    try:
        n_values = None if isinstance(value, str) else len(value)
    except TypeError:
        n_values = None
    if is_scalar and n_values == 1:
        return value[0]
    if n_values != (None if is_scalar else n_sources):
        size = "a scalar" if n_values is None else f"{n_values} elements"
        raise ValueError(
            "value must have the same number of elements as the catalog, one for each of its "
            f"{n_sources} source(s) or a scalar for a scalar catalog; got {size} for {name!r}"
        )
    return value


def remove(extra: dict[str, Any], names: str | Iterable[str]) -> None:
    """Remove properties; none if one of the names is unknown."""
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        _check_is_there(extra, name)
    for name in dict.fromkeys(names):
        del extra[name]


def rename(catalog: Any, extra: dict[str, Any], name: str, new_name: str) -> None:
    """Rename a property; it keeps its position."""
    _check_is_there(extra, name)
    add(catalog, extra, new_name, extra[name], overwrite=False)
    del extra[new_name]
    items = list(extra.items())
    extra.clear()
    extra.update((new_name if key == name else key, value) for key, value in items)


def take(extra: Mapping[str, Any], position: Any) -> dict[str, Any]:
    """Return the properties of the sources at a position, an int array or an int."""
    return {name: _elements(values, position) for name, values in extra.items()}


def _elements(values: Any, position: Any) -> Any:
    if not isinstance(values, (list, tuple)) or np.ndim(position) == 0:
        return values[position]
    return [values[i] for i in position]


def _check_is_there(extra: Mapping[str, Any], name: str) -> None:
    if name not in extra:
        raise ValueError(
            f"{name} is not a defined property: those that were added are {list(extra)}"
        )

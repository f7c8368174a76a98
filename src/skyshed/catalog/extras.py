"""Properties that the user adds to a catalog."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from skyshed.catalog.base import CatalogBase
from skyshed.catalog.registry import ALIASES, COLUMNS
from skyshed.names import ATTRIBUTES

__all__ = ["Extras", "pick"]


def pick(values: Any, position: Any) -> Any:
    """Return the elements of an array or a list at ``position``, an int array or an int."""
    if isinstance(values, (list, tuple)):
        if np.ndim(position) == 0:
            return values[position]
        return [values[i] for i in position]
    return values[position]


class Extras(CatalogBase):
    """The part of the catalog that keeps the user's own columns."""

    @property
    def extra_properties(self) -> list[str]:
        """The names of the properties that were added, in order."""
        return list(self._extra)

    def add_extra_property(self, name: str, value: Any, overwrite: bool = False) -> None:
        """Add a property; it becomes an attribute and may be named in `to_table`.

        Parameters
        ----------
        name : str
            Its name.
        value : array_like, Quantity, SkyCoord, list or scalar
            One element per source; a scalar for a catalog of a single source.
        overwrite : bool, optional
            Whether to replace a property of that name that was added before.

        Raises
        ------
        ValueError
            If the name is taken, or the number of elements is not that of the sources.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage, SourceCatalog
        >>> labels = np.array([[1, 1, 0, 2]])
        >>> catalog = SourceCatalog(np.ones((1, 4)), SegmentationImage(labels))
        >>> catalog.add_extra_property("mean_flux", catalog.segment_flux / catalog.area.value)
        >>> catalog[1].mean_flux
        np.float64(1.0)
        """
        taken = name in COLUMNS or name in ALIASES or name in ATTRIBUTES
        if taken or name in self.__dict__ or hasattr(type(self), name):
            raise ValueError(
                f"{name!r} cannot be set because it is a built-in attribute of every catalog: "
                "choose another name"
            )
        if name in self._extra and not overwrite:
            raise ValueError(
                f"{name!r} already exists as an attribute: set overwrite=True to replace it"
            )
        self._extra[name] = self._checked(name, value)

    def _checked(self, name: str, value: Any) -> Any:
        """Return a value of the catalog's length."""
        try:
            n_values = None if isinstance(value, str) else len(value)
        except TypeError:
            n_values = None
        if self.isscalar and n_values == 1:
            return value[0]
        if n_values != (None if self.isscalar else self.nlabels):
            found = "a scalar" if n_values is None else f"{n_values} elements"
            raise ValueError(
                "value must have the same number of elements as the catalog, one for each of its "
                f"{self.nlabels} source(s) or a scalar for a scalar catalog; got {found} for "
                f"{name!r}"
            )
        return value

    def remove_extra_property(self, name: str) -> None:
        """Remove a property that was added; see `remove_extra_properties`."""
        self.remove_extra_properties(name)

    def remove_extra_properties(self, names: str | Iterable[str]) -> None:
        """Remove properties that were added.

        Parameters
        ----------
        names : str or sequence of str
            Their names.

        Raises
        ------
        ValueError
            If a name is not among `extra_properties`; nothing is removed then.
        """
        names = [names] if isinstance(names, str) else list(names)
        for name in names:
            self._check_is_extra(name)
        for name in dict.fromkeys(names):
            del self._extra[name]

    def rename_extra_property(self, name: str, new_name: str) -> None:
        """Rename a property that was added; its place in `extra_properties` stays.

        Raises
        ------
        ValueError
            If ``name`` is not among `extra_properties`, or ``new_name`` is taken.
        """
        self._check_is_extra(name)
        self.add_extra_property(new_name, self._extra[name])
        value = self._extra.pop(new_name)
        self._extra = {
            (new_name if key == name else key): (value if key == name else old)
            for key, old in self._extra.items()
        }

    def _check_is_extra(self, name: str) -> None:
        if name not in self._extra:
            raise ValueError(
                f"{name} is not a defined property: those that were added are "
                f"{self.extra_properties}"
            )

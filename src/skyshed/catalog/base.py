"""What every part of the catalog stands on: the results, and how users see them."""

from typing import Any

from astropy import units as u

from skyshed.catalog.registry import COLUMNS, Results
from skyshed.kernels.threads import resolve_n_threads

__all__ = ["CatalogBase"]


class CatalogBase:
    """Results of one set of sources, with the unit of the data and what the user added.

    Attributes
    ----------
    isscalar : bool
        Whether this is a single source that was selected by an index. Attributes are scalars then.
    """

    _results: Results
    _unit: u.UnitBase | None
    _extra: dict[str, Any]
    isscalar: bool

    @property
    def labels(self) -> Any:
        """The labels, always as an array."""
        return self._results["sources"].host.labels

    @property
    def label(self) -> Any:
        """The label of each source in the segmentation image."""
        return self._collapsed(self.labels)

    @property
    def nlabels(self) -> int:
        """The number of sources."""
        return len(self._results["sources"])

    @property
    def n_threads(self) -> int:
        """The number of threads that measure."""
        return resolve_n_threads(self._results["n_threads"])

    @property
    def wcs(self) -> Any:
        """The WCS, or `None`."""
        return self._results["wcs"]

    @property
    def localbkg_width(self) -> int:
        """The width of the annulus of the local background, 0 for none."""
        return self._results["localbkg_width"]

    @property
    def apermask_method(self) -> str:
        """What apertures see of neighbouring sources."""
        return self._results["apermask_method"]

    @property
    def kron_params(self) -> tuple[float, ...]:
        """The Kron parameters."""
        return self._results["kron_params"]

    def _public(self, name: str, results: Results | None = None) -> Any:
        """Return a column as users see it: with its unit, and a scalar for a scalar catalog."""
        (values,) = (results or self._results).on_host(name)
        unit = COLUMNS[name][0].unit
        wanted = self._unit if unit == "data" else None if unit in ("", "sky") else u.Unit(unit)
        if wanted is not None and values.dtype != object:
            values = values << wanted
        return self._collapsed(values)

    def _collapsed(self, values: Any) -> Any:
        """Return the single value of a scalar catalog, all values of any other."""
        return values[0] if self.isscalar and len(values) == 1 else values

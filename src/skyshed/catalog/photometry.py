"""Photometry with parameters of the caller's: Kron and circular apertures, flux radii."""

from typing import Any

from skyshed.catalog import apertures
from skyshed.catalog.extras import Extras
from skyshed.catalog.registry import Results
from skyshed.catalog.settings import check_kron_params

__all__ = ["Photometry"]


class Photometry(Extras):
    """The part of the catalog that measures in apertures."""

    def _fluxes(
        self, results: Results, columns: tuple[str, str], name: str | None, overwrite: bool
    ) -> tuple[Any, Any]:
        """Return a flux and its error; keep them as ``name_flux`` and ``name_fluxerr`` if named."""
        results.on_host(*columns)
        flux, error = (self._public(column, results) for column in columns)
        if name is not None:
            self.add_extra_property(f"{name}_flux", flux, overwrite)
            self.add_extra_property(f"{name}_fluxerr", error, overwrite)
        return flux, error

    def kron_photometry(
        self, kron_params: Any, name: str | None = None, overwrite: bool = False
    ) -> tuple[Any, Any]:
        """Measure fluxes in Kron apertures of other parameters.

        Parameters
        ----------
        kron_params : sequence of 2 or 3 floats
            As for the catalog.
        name : str, optional
            If given, the results are added as the properties ``name_flux`` and ``name_fluxerr``.
        overwrite : bool, optional
            Whether to replace such properties.

        Returns
        -------
        flux, fluxerr : float, array or Quantity
            In the unit of the data; NaN where there is no aperture or, for the error, no ``error``.

        Raises
        ------
        ValueError
            If the parameters are out of range, or the name is taken.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SourceCatalog, detect_sources
        >>> y, x = np.indices((21, 21)) - 10
        >>> data = 50 * np.exp(-(x**2 + y**2) / 8)
        >>> catalog = SourceCatalog(data, detect_sources(data, 1, npixels=5))
        >>> flux, fluxerr = catalog.kron_photometry((2.5, 1.4), name="wide")
        >>> catalog.wide_flux.round(1)
        array([1251.7])
        """
        results = self._results.with_inputs(kron_params=check_kron_params(kron_params))
        return self._fluxes(results, ("kron_flux", "kron_fluxerr"), name, overwrite)

    def circular_photometry(
        self, radius: float, name: str | None = None, overwrite: bool = False
    ) -> tuple[Any, Any]:
        """Measure fluxes in circles about the centroids.

        Parameters
        ----------
        radius : float
            The radius in pixels.
        name : str, optional
            If given, the results are added as the properties ``name_flux`` and ``name_fluxerr``.
        overwrite : bool, optional
            Whether to replace such properties.

        Returns
        -------
        flux, fluxerr : float, array or Quantity
            In the unit of the data; NaN where there is no centroid or, for the error, no ``error``.

        Raises
        ------
        ValueError
            If the radius is not positive, or the name is taken.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SourceCatalog, detect_sources
        >>> y, x = np.indices((21, 21)) - 10
        >>> data = 50 * np.exp(-(x**2 + y**2) / 8)
        >>> catalog = SourceCatalog(data, detect_sources(data, 1, npixels=5))
        >>> flux, fluxerr = catalog.circular_photometry(3.0)
        >>> flux.round(1), fluxerr
        (array([836.6]), array([nan]))
        """
        if not radius > 0:
            raise ValueError(f"radius must be > 0 (in pixels), got {radius!r}")
        results = self._results.with_inputs(radius=float(radius))
        return self._fluxes(results, ("_circular_flux", "_circular_fluxerr"), name, overwrite)

    def fluxfrac_radius(
        self, fraction: float, name: str | None = None, overwrite: bool = False
    ) -> Any:
        """Find the radius of the circle that holds a fraction of the Kron flux.

        Parameters
        ----------
        fraction : float
            Above 0, at most 1; 0.5 gives the half-light radius.
        name : str, optional
            If given, the result is added as the property of that name.
        overwrite : bool, optional
            Whether to replace such a property.

        Returns
        -------
        radius : Quantity
            In pixels; NaN where no radius holds that flux.

        Raises
        ------
        ValueError
            If the fraction is out of range, or the name is taken.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SourceCatalog, detect_sources
        >>> y, x = np.indices((21, 21)) - 10
        >>> data = 50 * np.exp(-(x**2 + y**2) / 8)
        >>> catalog = SourceCatalog(data, detect_sources(data, 1, npixels=5))
        >>> catalog.fluxfrac_radius(0.5).round(2)
        <Quantity [2.38] pix>
        """
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction must be > 0 and <= 1, got {fraction!r}")
        radius = self._public(
            "_fluxfrac_radius", self._results.with_inputs(fraction=float(fraction))
        )
        if name is not None:
            self.add_extra_property(name, radius, overwrite)
        return radius

    @property
    def kron_aperture(self) -> Any:
        """The photutils aperture of each source's Kron flux; `None` where there is none."""
        return self.make_kron_apertures()

    @property
    def local_background_aperture(self) -> Any:
        """The photutils annulus of each source's local background; `None` where there is none."""
        return apertures.local_background_apertures(self)

    def make_kron_apertures(self, kron_params: Any = None) -> Any:
        """Make a photutils aperture for each source; see `~skyshed.catalog.apertures`."""
        return apertures.make_kron_apertures(self, kron_params)

    def make_circular_apertures(self, radius: float) -> Any:
        """Make a photutils circular aperture for each source; see `~skyshed.catalog.apertures`."""
        return apertures.make_circular_apertures(self, radius)

    def plot_kron_apertures(
        self, kron_params: Any = None, ax: Any = None, origin: Any = (0, 0), **kwargs: Any
    ) -> Any:
        """Plot the Kron apertures; see `~skyshed.catalog.apertures`."""
        return apertures.plot_kron_apertures(self, kron_params, ax=ax, origin=origin, **kwargs)

    def plot_circular_apertures(
        self, radius: float, ax: Any = None, origin: Any = (0, 0), **kwargs: Any
    ) -> Any:
        """Plot circles about the centroids; see `~skyshed.catalog.apertures`."""
        return apertures.plot_circular_apertures(self, radius, ax=ax, origin=origin, **kwargs)

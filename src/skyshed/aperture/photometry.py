"""Aperture photometry: sums, errors, areas and flags at all positions of apertures."""

from typing import Any

import numpy as np

from skyshed.aperture.base import Aperture, PixelAperture, SkyAperture
from skyshed.aperture.flags import decode_aperture_flags
from skyshed.aperture.measuring import Images, measure, unpacked
from skyshed.aperture.weighing import checked_method
from skyshed.cached import cached_property
from skyshed.kernels.threads import resolve_n_threads
from skyshed.optional import package_versions

__all__ = ["AperturePhotometry", "aperture_photometry"]

#: The columns of `AperturePhotometry.to_table` that an aperture of a list has each for itself.
PER_APERTURE = ("flux", "flux_err", "area", "flags")
COLUMNS = ("id", "x_center", "y_center", "sky_center", *PER_APERTURE)


def in_pixels(apertures: Any, wcs: Any) -> tuple[list[PixelAperture], bool, Any]:
    """Return pixel apertures, whether one was given, not a list, and their positions on the sky.

    Raises
    ------
    TypeError
        If something is no aperture.
    ValueError
        If there are none, positions differ, or a WCS is missing.
    """
    single = not isinstance(apertures, (list, tuple, np.ndarray))
    given = [apertures] if single else list(apertures)
    if not given:
        raise ValueError("apertures must not be empty")
    for aperture in given:
        if not isinstance(aperture, Aperture):
            raise TypeError(
                f"apertures must be apertures of skyshed.aperture, got {type(aperture).__name__}"
            )
    sky = None
    if isinstance(given[0], SkyAperture):
        if wcs is None:
            raise ValueError(
                "A WCS transform must be defined by the input data or the wcs keyword when using "
                "a SkyAperture object."
            )
        sky = given[0].positions
    pixel = [one.to_pixel(wcs) if isinstance(one, SkyAperture) else one for one in given]
    if any(not np.array_equal(one.positions, pixel[0].positions) for one in pixel[1:]):
        raise ValueError("Input apertures must all have identical positions")
    return pixel, single, sky


def meta_of(apertures: Any, arguments: str) -> dict[str, Any]:
    """Return what a table says of how it was made."""
    from datetime import datetime

    single = not isinstance(apertures, (list, tuple, np.ndarray))
    packages = ("skyshed", "astropy", "numpy", "scipy")
    meta: dict[str, Any] = {
        "date": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z"),
        "version": package_versions(packages),
    }
    if arguments:
        meta["aperture_photometry_args"] = arguments
    for i, aperture in enumerate([apertures] if single else apertures):
        prefix = "aperture" if single else f"aperture{i}"
        meta[prefix] = type(aperture).__name__
        for name in aperture._params[1:]:
            meta[f"{prefix}_{name}"] = getattr(aperture, name)
    return meta


def sky_centers(wcs: Any, sky: Any, positions: Any) -> Any:
    """Return the positions on the sky as an array of coordinates; `None` without a WCS."""
    if sky is not None:
        return sky.reshape(-1) if sky.isscalar else sky
    return None if wcs is None else wcs.pixel_to_world(*positions.T)


class AperturePhotometry:
    """Sums of an image in apertures, with errors, areas and flags.

    Parameters
    ----------
    data : array_like, Quantity, NDData or CuPy array, shape (ny, nx)
        The image, its background subtracted. Values that are not finite are left out, and flagged.
        Of an NDData mask, WCS, unit and a `~astropy.nddata.StdDevUncertainty` are used.
    apertures : `Aperture`, or list of them
        With the same n positions.
    error : array_like or Quantity, shape (ny, nx), optional
        1-sigma errors of the pixels, of all kinds, in the unit of ``data``.
    mask : array_like of bool, shape (ny, nx), optional
        True for pixels to leave out.
    wcs : WCS, optional
        For `sky_center`, and for sky apertures.
    method : {"exact", "center", "subpixel"}, optional
        How pixels at the edge count; see `PixelAperture.to_mask`.
    subpixels : int, optional
        Points along a pixel's side for ``"subpixel"``.
    segmentation_image : `~skyshed.SegmentationImage`, optional
        The sources, for ``mask_method``.
    labels : int or array_like of int, shape (n,), optional
        The source at each position; 0 measures all pixels.
    mask_method : {"none", "mask", "source_only", "background_only", "correct"}, optional
        ``"mask"`` leaves the pixels of other sources out, ``"source_only"`` the background as
        well, ``"background_only"`` those of all sources; ``"correct"`` replaces those of others by
        the pixel opposite the position, or leaves them out where that is of no use.
    n_threads : int, optional
        Threads on the CPU; `None` for all available cores. The result has the same bits for any
        number.

    Raises
    ------
    TypeError
        If something is no aperture, ``mask`` not boolean, or an image does not hold real numbers.
    ValueError
        If shapes, units or positions differ, or a value is not allowed.

    Notes
    -----
    Of one scalar position, attributes are scalars. Of a list of apertures, they have a last axis of
    apertures. Images may be on a GPU; results are on the host.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.aperture import AperturePhotometry, CircularAperture
    >>> circles = CircularAperture([(25.0, 40.0), (0.0, 12.0)], r=8.0)
    >>> photometry = AperturePhotometry(np.ones((60, 60)), circles)
    >>> photometry.flux.round(3)
    array([201.062, 108.526])
    >>> photometry.decode_flags()
    {1: [], 2: ['partial_overlap']}
    """

    def __init__(
        self,
        data: Any,
        apertures: Any,
        *,
        error: Any = None,
        mask: Any = None,
        wcs: Any = None,
        method: str = "exact",
        subpixels: int = 5,
        segmentation_image: Any = None,
        labels: Any = None,
        mask_method: str = "none",
        n_threads: int | None = None,
    ) -> None:
        data, error, mask, wcs = unpacked(data, error, mask, wcs)
        images = Images.of(data, error, mask)
        checked_method(method, subpixels)
        resolve_n_threads(n_threads)
        self._pixel, self._single, self._sky = in_pixels(apertures, wcs)
        self._positions = np.atleast_2d(self._pixel[0].positions)
        self._images = images.with_neighbours(
            segmentation_image, labels, mask_method, len(self._positions)
        )
        self._wcs = wcs
        self.method, self.subpixels, self.mask_method = method, subpixels, mask_method
        self.segmentation_image, self.labels, self.n_threads = segmentation_image, labels, n_threads
        self.meta = meta_of(apertures, ", ".join(self._arguments()))
        with_sky = ["sky_center"] if wcs is not None or self._sky is not None else []
        self.default_columns = ["id", "x_center", "y_center", *with_sky, *PER_APERTURE]

    def _arguments(self) -> list[str]:
        names = ("method", "subpixels", "mask_method", "n_threads")
        return [f"{name}={getattr(self, name)!r}" for name in names]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._arguments())})"

    @property
    def isscalar(self) -> bool:
        """Whether there is one position, not a list of them."""
        return self._pixel[0].isscalar

    @property
    def n_positions(self) -> int:
        """The number of positions."""
        return len(self._positions)

    @cached_property
    def _measured(self) -> list[Any]:
        return [
            measure(one, self._images, self.method, self.subpixels, n_threads=self.n_threads)
            for one in self._pixel
        ]

    def _all(self, name: str) -> Any:
        """Return a column for all positions, with a last axis for a list of apertures."""
        if name == "id":
            return np.arange(self.n_positions) + 1
        if name in ("x_center", "y_center"):
            return self._positions[:, 0 if name == "x_center" else 1]
        if name == "sky_center":
            return sky_centers(self._wcs, self._sky, self._positions)
        attribute = {"flux": "total", "flux_err": "error"}.get(name, name)
        columns = [getattr(one, attribute) for one in self._measured]
        values = columns[0] if self._single else np.stack(columns, axis=1)
        if name == "area":
            from astropy import units as u

            return values << u.pix**2
        return values if name == "flags" else self._images.with_unit(values)

    def _own(self, name: str) -> Any:
        values = self._all(name)
        return values[0] if self.isscalar and values is not None else values

    @property
    def id(self) -> Any:
        """The numbers of the positions, from 1."""
        return self._own("id")

    @property
    def x_center(self) -> Any:
        """The x coordinates of the positions in pixels."""
        return self._own("x_center")

    @property
    def y_center(self) -> Any:
        """The y coordinates of the positions in pixels."""
        return self._own("y_center")

    @property
    def sky_center(self) -> Any:
        """The positions on the sky; `None` without a WCS."""
        return self._own("sky_center")

    @property
    def flux(self) -> Any:
        """The sums: float64 or Quantity; NaN where no pixel of the image has weight."""
        return self._own("flux")

    @property
    def flux_err(self) -> Any:
        """The roots of the sums of ``(weight * error)**2``; NaN without ``error``."""
        return self._own("flux_err")

    @property
    def area(self) -> Any:
        """The weights of what was summed up, in pixels squared."""
        return self._own("area")

    @property
    def flags(self) -> Any:
        """What was come across; see `APERTURE_FLAGS`."""
        return self._own("flags")

    def to_table(self, *, columns: Any = None) -> Any:
        """Return a table with a row for each position.

        Parameters
        ----------
        columns : str or list of str, optional
            Of ``id``, ``x_center``, ``y_center``, ``sky_center``, ``flux``, ``flux_err``, ``area``,
            ``flags``; `None` for ``default_columns``. Of a list of apertures the last four have a
            suffix, ``flux_0``.

        Returns
        -------
        table : `~astropy.table.QTable`

        Raises
        ------
        ValueError
            If a name is unknown, or ``sky_center`` is asked for without a WCS.
        """
        from astropy.table import QTable

        names = self.default_columns if columns is None else columns
        names = [names] if isinstance(names, str) else list(names)
        unknown = [name for name in names if name not in COLUMNS]
        if unknown:
            raise ValueError(
                f"Invalid column name(s): {unknown}. The allowed column names are: "
                f"{sorted(COLUMNS)}."
            )
        table = QTable()
        table.meta.update(self.meta)
        for name in names:
            values = self._all(name)
            if values is None:
                raise ValueError(
                    "the 'sky_center' column requires a WCS, which must be defined by the input "
                    "data or the wcs keyword"
                )
            if name in PER_APERTURE and not self._single:
                for i in range(len(self._pixel)):
                    table[f"{name}_{i}"] = values[:, i]
            else:
                table[name] = values
        return table

    def decode_flags(self, *, return_bit_values: bool = False) -> dict[int, Any]:
        """Return ``{id: names of the flags that are set}``; see `decode_aperture_flags`."""
        decoded = decode_aperture_flags(self._all("flags"), return_bit_values=return_bit_values)
        return dict(enumerate(decoded, 1))


def aperture_photometry(
    data: Any,
    apertures: Any,
    error: Any = None,
    mask: Any = None,
    method: str = "exact",
    subpixels: int = 5,
    wcs: Any = None,
    *,
    n_threads: int | None = None,
) -> Any:
    """Sum an image in apertures.

    Parameters
    ----------
    data, apertures, error, mask, method, subpixels, wcs
        As for `AperturePhotometry`; but values that are not finite are not left out: a sum that
        holds one is not finite.
    n_threads : int, optional
        Threads on the CPU; `None` for all available cores.

    Returns
    -------
    table : `~astropy.table.QTable`
        Columns ``id``, ``x_center``, ``y_center``, ``sky_center`` (where there is a WCS),
        ``aperture_sum`` and, with ``error``, ``aperture_sum_err``. Of a list of apertures, these
        have a suffix: ``aperture_sum_0``.

    Raises
    ------
    TypeError
        If something is no aperture, ``mask`` not boolean, or an image does not hold real numbers.
    ValueError
        If shapes, units or positions differ, or a value is not allowed.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.aperture import RectangularAperture, aperture_photometry
    >>> table = aperture_photometry(np.ones((9, 9)), RectangularAperture((4, 4), 3.0, 1.5))
    >>> float(table["aperture_sum"][0])
    4.5
    """
    from astropy.table import QTable

    data, error, mask, wcs = unpacked(data, error, mask, wcs)
    images = Images.of(data, error, mask)
    checked_method(method, subpixels)
    resolve_n_threads(n_threads)
    pixel, single, sky = in_pixels(apertures, wcs)
    positions = np.atleast_2d(pixel[0].positions)
    table = QTable()
    table.meta.update(meta_of(apertures, f"method={method!r}, subpixels={subpixels}"))
    table["id"] = np.arange(len(positions)) + 1
    table["x_center"], table["y_center"] = positions.T
    centers = sky_centers(wcs, sky, positions)
    if centers is not None:
        table["sky_center"] = centers
    for i, aperture in enumerate(pixel):
        suffix = "" if single else f"_{i}"
        found = measure(aperture, images, method, subpixels, finite_only=False, n_threads=n_threads)
        table[f"aperture_sum{suffix}"] = images.with_unit(found.total)
        if error is not None:
            table[f"aperture_sum_err{suffix}"] = images.with_unit(found.error)
    return table

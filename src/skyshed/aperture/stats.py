"""Statistics of the pixels in apertures, and the shapes of what is there."""

from typing import Any

import numpy as np

from skyshed.aperture.base import Aperture, SkyAperture
from skyshed.aperture.clipping import check_clip
from skyshed.aperture.column import Column
from skyshed.aperture.cutouts import CutoutColumns
from skyshed.aperture.flags import APERTURE_FLAGS, decode_aperture_flags
from skyshed.aperture.groups import GROUP_COLUMNS
from skyshed.aperture.local_levels import local_levels
from skyshed.aperture.measuring import Images, unpacked
from skyshed.aperture.per_position import OLD_NAMES
from skyshed.aperture.photometry import meta_of
from skyshed.aperture.shape_columns import ShapeColumns
from skyshed.aperture.weighing import checked_method
from skyshed.kernels.threads import resolve_n_threads

__all__ = ["ApertureStats"]

DEFAULT_COLUMNS = (
    "id", "x_centroid", "y_centroid", "sky_centroid", "sum", "sum_err", "sum_aper_area",
    "center_aper_area", "min", "max", "mean", "median", "mode", "std", "mad_std", "var",
    "biweight_location", "biweight_midvariance", "fwhm", "semimajor_axis", "semiminor_axis",
    "orientation", "eccentricity", "flags",
)  # fmt: skip


class ApertureStats(ShapeColumns, CutoutColumns):
    """Statistics, centroids and shapes of the pixels in apertures.

    Sums weigh pixels by ``sum_method``; everything else is of the pixels whose centre is inside.

    Parameters
    ----------
    data : array_like, Quantity, NDData or CuPy array, shape (ny, nx)
        The image, its background subtracted. Values that are not finite are left out, and flagged.
        Of an NDData mask, WCS, unit and a `~astropy.nddata.StdDevUncertainty` are used.
    aperture : `Aperture`
        With n positions.
    error : array_like or Quantity, shape (ny, nx), optional
        1-sigma errors of the pixels.
    mask : array_like of bool, shape (ny, nx), optional
        True for pixels to leave out.
    wcs : WCS, optional
        For columns of the sky, and for sky apertures.
    sigma_clip : `~astropy.stats.SigmaClip`, optional
        Clips the pixels of each aperture, on the host; without ``grow``.
    sum_method, subpixels
        How pixels at the edge count in sums; see `PixelAperture.to_mask`.
    ddof : int, optional
        ``var`` and ``std`` divide by the number of pixels less this.
    local_bkg : float, array_like of float, shape (n,), or Quantity, optional
        Subtracted from each pixel.
    segmentation_image, labels, mask_method
        What is done with the pixels of other sources; see `AperturePhotometry`.
    n_threads : int, optional
        Threads on the CPU; `None` for all available cores.

    Raises
    ------
    TypeError
        If ``aperture`` is none, ``mask`` not boolean, or ``sigma_clip`` no SigmaClip.
    ValueError
        If shapes or units differ, or a value is not allowed.
    NotImplementedError
        If ``sigma_clip`` grows: that needs the places of pixels.

    Notes
    -----
    Of one scalar position, columns are scalars. Images may be on a GPU; results are on the host.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.aperture import ApertureStats, CircularAperture
    >>> y, x = np.mgrid[:40, :50]
    >>> data = np.exp(-((x - 20.2) ** 2 + (y - 15.1) ** 2) / 18)
    >>> stats = ApertureStats(data, CircularAperture((20, 15), r=9))
    >>> stats.centroid.round(1), stats.fwhm.round(1)
    (array([20.2, 15.1]), <Quantity 6.9 pix>)
    """

    def __init__(
        self,
        data: Any,
        aperture: Any,
        *,
        error: Any = None,
        mask: Any = None,
        wcs: Any = None,
        sigma_clip: Any = None,
        sum_method: str = "exact",
        subpixels: int = 5,
        ddof: int = 0,
        local_bkg: Any = None,
        segmentation_image: Any = None,
        labels: Any = None,
        mask_method: str = "none",
        n_threads: int | None = None,
    ) -> None:
        data, error, mask, wcs = unpacked(data, error, mask, wcs)
        images = Images.of(data, error, mask)
        checked_method(sum_method, subpixels, "sum_method")
        resolve_n_threads(n_threads)
        if not isinstance(aperture, Aperture):
            raise TypeError(
                f"aperture must be an Aperture of skyshed.aperture, got {type(aperture).__name__}"
            )
        if isinstance(aperture, SkyAperture) and wcs is None:
            raise ValueError("A wcs is required when using a SkyAperture")
        if isinstance(ddof, bool) or not isinstance(ddof, (int, np.integer)) or ddof < 0:
            raise ValueError(f"ddof must be a nonnegative integer, got {ddof!r}")
        check_clip(sigma_clip)
        self.aperture = aperture
        self._pixel = aperture.to_pixel(wcs) if isinstance(aperture, SkyAperture) else aperture
        self._background = local_levels(local_bkg, self.n_positions, images.unit)
        self._images = images.with_neighbours(
            segmentation_image, labels, mask_method, self.n_positions
        )
        self._wcs, self.sigma_clip, self.sum_method, self.subpixels = (
            wcs, sigma_clip, sum_method, subpixels,
        )  # fmt: skip
        self.ddof, self.n_threads = int(ddof), n_threads
        self.segmentation_image, self.labels, self.mask_method = (
            segmentation_image, labels, mask_method,
        )  # fmt: skip
        self.default_columns = list(DEFAULT_COLUMNS)
        self.meta = meta_of(aperture, "")
        self._ids = np.arange(self.n_positions) + 1
        self._values = {}

    def to_table(self, *, columns: Any = None) -> Any:
        """Return a table with a row for each position.

        Parameters
        ----------
        columns : str or list of str, optional
            ``id`` and names of `properties`, without cutouts; `None` for ``default_columns``.

        Returns
        -------
        table : `~astropy.table.QTable`

        Raises
        ------
        ValueError
            If a name is unknown.
        """
        from astropy.table import QTable

        names = self.default_columns if columns is None else columns
        names = [names] if isinstance(names, str) else list(names)
        names = [OLD_NAMES.get(name, name) for name in names]
        allowed = {"id", *self.default_columns, *self.properties}
        allowed = {name for name in allowed if not name.endswith("_cutout")}
        unknown = [name for name in names if name not in allowed]
        if unknown:
            raise ValueError(
                f"Invalid column name(s): {unknown}. The allowed column names are: "
                f"{sorted(allowed)}."
            )
        self._reduce({group for group, of in GROUP_COLUMNS.items() if not of.isdisjoint(names)})
        table = QTable()
        table.meta.update(self.meta)
        for name in names:
            table[name] = self._array(name)
        return table

    def decode_flags(self, *, return_bit_values: bool = False) -> dict[int, Any]:
        """Return ``{id: names of the flags that are set}``; see `decode_aperture_flags`."""
        decoded = decode_aperture_flags(self._array("flags"), return_bit_values=return_bit_values)
        return dict(zip(self._ids.tolist(), decoded, strict=True))

    @Column
    def flags(self) -> Any:
        """What was come across, in the pixels of either method; see `APERTURE_FLAGS`."""
        flag, center, by_sum = APERTURE_FLAGS, self._center_sums.flags, self._sums[3]
        either = (center & ~flag.NON_FINITE_ERROR) | by_sum
        either &= ~flag.NO_OVERLAP | (center & by_sum)
        count, pixels = self._statistic("count"), (center & flag.NO_PIXELS) == 0
        usable = pixels & ((center & flag.ALL_MASKED) == 0)
        too_few = count == 1
        if self.ddof:
            too_few |= count <= self.ddof
        conditions = [(flag.TOO_FEW_PIXELS, pixels & too_few)]
        if self.sigma_clip is not None:
            clipped = self._center_sums.inside > count
            conditions += [(flag.SIGMA_CLIPPED, clipped), (flag.ALL_CLIPPED, usable & (count == 0))]
        conditions += self._doubtful_shapes(count, center)
        for bit, condition in conditions:
            either = either | np.where(condition, bit, 0)
        return either

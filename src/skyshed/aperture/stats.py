"""Statistics of the pixels in apertures, and the shapes of what is there."""

import operator
import warnings
from functools import cached_property
from typing import Any

import numpy as np
from astropy import units as u

from skyshed.aperture.base import Aperture, SkyAperture
from skyshed.aperture.column import Column
from skyshed.aperture.flags import APERTURE_FLAGS, decode_aperture_flags
from skyshed.aperture.groups import GROUP_COLUMNS, GROUP_FUNCTIONS, GROUP_SHAPES, GROUPS
from skyshed.aperture.measuring import Images, measure, measured_boxes, unpacked
from skyshed.aperture.photometry import meta_of
from skyshed.aperture.pixels import Pixels, blocks
from skyshed.aperture.weighing import checked_method, samples_of
from skyshed.kernels.ellipses import COLUMNS as ELLIPSE
from skyshed.kernels.ellipses import ellipses
from skyshed.kernels.threads import resolve_n_threads
from skyshed.namespace import in_one_transfer, like, to_host
from skyshed.segmentation import BoundingBox

__all__ = ["ApertureStats"]

DEFAULT_COLUMNS = (
    "id", "x_centroid", "y_centroid", "sky_centroid", "sum", "sum_err", "sum_aper_area",
    "center_aper_area", "min", "max", "mean", "median", "mode", "std", "mad_std", "var",
    "biweight_location", "biweight_midvariance", "fwhm", "semimajor_axis", "semiminor_axis",
    "orientation", "eccentricity", "flags",
)  # fmt: skip
#: Names of photutils before 3.0.
OLD_NAMES = {
    "covar_sigx2": "covariance_xx",
    "covar_sigxy": "covariance_xy",
    "covar_sigy2": "covariance_yy",
    "cxx": "ellipse_cxx",
    "cxy": "ellipse_cxy",
    "cyy": "ellipse_cyy",
    "data_sumcutout": "data_sum_cutout",
    "error_sumcutout": "error_sum_cutout",
    "get_id": "select_id",
    "get_ids": "select_ids",
    "ids": "id",
    "n_apertures": "n_positions",
    "semimajor_sigma": "semimajor_axis",
    "semiminor_sigma": "semiminor_axis",
    "xcentroid": "x_centroid",
    "ycentroid": "y_centroid",
}
#: What a median absolute deviation is multiplied by, for the standard deviation of a Gaussian.
MAD_TO_STD = 1.482602218505602
#: Columns of the ellipse, and their names in the kernels'.
OF_ELLIPSE = {
    "covariance_xx": ("covar_sigx2", u.pix**2),
    "covariance_xy": ("covar_sigxy", u.pix**2),
    "covariance_yy": ("covar_sigy2", u.pix**2),
    "semimajor_axis": ("semimajor_sigma", u.pix),
    "semiminor_axis": ("semiminor_sigma", u.pix),
    "fwhm": ("fwhm", u.pix),
    "orientation": ("orientation", u.deg),
    "eccentricity": ("eccentricity", u.dimensionless_unscaled),
    "elongation": ("elongation", u.dimensionless_unscaled),
    "ellipticity": ("ellipticity", u.dimensionless_unscaled),
    "ellipse_cxx": ("cxx", u.pix**-2),
    "ellipse_cxy": ("cxy", u.pix**-2),
    "ellipse_cyy": ("cyy", u.pix**-2),
}
#: The variance of a uniform distribution over a pixel.
PIXEL_VARIANCE = 1 / 12
#: A determinant counts as negative only below this part of the squared trace: rounding.
ROUNDING = 1e-12


def _of_ellipse(name: str) -> Column:
    kernel_name, unit = OF_ELLIPSE[name]

    def column(self: Any) -> Any:
        return self._ellipse[kernel_name] << unit

    column.__doc__ = f"The {name.replace('_', ' ')} of the ellipse with the same second moments."
    return Column(column)


def _of_values(name: str, doc: str, power: int = 1) -> Column:
    def column(self: Any) -> Any:
        return (
            self._images.with_unit(self._statistic(name), power) if power else self._statistic(name)
        )

    column.__doc__ = doc
    return Column(column)


class ApertureStats:
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
        _check_clip(sigma_clip)
        self.aperture = aperture
        self._pixel: Any = aperture.to_pixel(wcs) if isinstance(aperture, SkyAperture) else aperture
        self._background = _backgrounds(local_bkg, self.n_positions, images.unit)
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
        self._values: dict[str, Any] = {}

    # --- which positions

    @property
    def isscalar(self) -> bool:
        """Whether there is one position, not a list of them."""
        return bool(self._pixel.isscalar)

    @property
    def n_positions(self) -> int:
        """The number of positions."""
        return len(np.atleast_2d(self._pixel.positions))

    def __len__(self) -> int:
        if self.isscalar:
            raise TypeError(f"Scalar {type(self).__name__!r} object has no len()")
        return self.n_positions

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__}>\nLength: {self.n_positions}"

    def __getitem__(self, index: Any) -> "ApertureStats":
        if self.isscalar:
            raise TypeError(f"A scalar {type(self).__name__!r} object cannot be indexed")
        from dataclasses import replace

        new = object.__new__(type(self))
        vars(new).update(
            {name: value for name, value in vars(self).items() if not name.startswith("_table_")}
        )
        for name in ("_reduced", "_center_sums", "_ellipse", "_sums"):
            vars(new).pop(name, None)
        new.aperture, new._pixel = self.aperture[index], self._pixel[index]
        new._ids = np.atleast_1d(self._ids[index])
        new._background = np.atleast_1d(self._background[index])
        if self._images.label is not None:
            label = np.atleast_1d(self._images.label[index])
            new._images = replace(self._images, label=label)
        if self.labels is not None:
            new.labels = np.atleast_1d(self.labels)[index]
        new._values = {}
        return new

    def __iter__(self) -> Any:
        for index in range(len(self)):
            yield self[index]

    def __getattr__(self, name: str) -> Any:
        if name in OLD_NAMES:
            return getattr(self, OLD_NAMES[name])
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
        )

    def copy(self) -> "ApertureStats":
        """Return a copy that shares nothing."""
        from copy import deepcopy

        return deepcopy(self)

    def select_id(self, id_num: int) -> "ApertureStats":
        """Return the statistics of one position, by its number from 1; see `select_ids`."""
        return self.select_ids(id_num)

    def select_ids(self, id_nums: Any) -> "ApertureStats":
        """Return the statistics of some positions, by their numbers from 1.

        Raises
        ------
        TypeError
            If there is a scalar position only.
        ValueError
            If a number is unknown.
        """
        if self.isscalar:
            raise TypeError(f"A scalar {type(self).__name__!r} object cannot be indexed")
        places = {number: place for place, number in enumerate(self._ids.tolist())}
        for number in np.atleast_1d(id_nums).tolist():
            if number not in places:
                raise ValueError(f"{number} is not a valid source ID number")
        if np.ndim(id_nums) == 0:
            return self[places[operator.index(id_nums)]]
        return self[[places[number] for number in np.asarray(id_nums).tolist()]]

    def _array(self, name: str) -> Any:
        """Return a column for all positions, also of a scalar one."""
        column = getattr(type(self), name)
        return column.all(self)

    @property
    def properties(self) -> list[str]:
        """The names of all columns but ``id``."""
        return sorted(
            name for name, value in vars(type(self)).items()
            if isinstance(value, Column) and name != "id"
        )  # fmt: skip

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

    # --- pixels

    def _blocks(self, method: str) -> Any:
        """Yield tables of pixels, clipped where that is asked for."""
        background = self._background if self._background.any() else None
        samples = samples_of(method, self.subpixels)
        for block in blocks(self._pixel, self._images, samples, background, self.n_threads):
            if self.sigma_clip is not None:
                kept = like(_clipped(self.sigma_clip, block), block.values)
                block.used = block.used & kept
            yield block

    def _statistic(self, name: str) -> Any:
        """Return a statistic of the pixels whose centre is inside; groups are computed at once."""
        group = next(group for group, names in GROUPS.items() if name in names)
        self._reduce({group})
        return self._reduced[group][name]

    def _reduce(self, groups: set[str]) -> None:
        """Compute groups of statistics that are not known yet, in one pass over the pixels."""
        missing = [group for group in GROUPS if group in groups and group not in self._reduced]
        if not missing:
            return
        parts: dict[str, list[Any]] = {group: [] for group in missing}
        for block in self._blocks("center"):
            for group in missing:
                parts[group].append(in_one_transfer(*GROUP_FUNCTIONS[group](block)))
        for group in missing:
            names = GROUPS[group]
            shapes = GROUP_SHAPES.get(group, ((),) * len(names))
            empty = [np.empty((0, *shape)) for shape in shapes]
            found = [np.concatenate(each) for each in zip(*parts[group], strict=True)] or empty
            self._reduced[group] = dict(zip(names, found, strict=True))

    @cached_property
    def _reduced(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _center_sums(self) -> Any:
        return self._measured("center")

    @cached_property
    def _sums(self) -> Any:
        """Return total, variance, area and flags by ``sum_method``."""
        found = self._measured(self.sum_method)
        if self.sigma_clip is None:
            return found.total, found.error, found.inside, found.flags, found.overlaps
        columns: list[list[Any]] = [[], [], []]
        for block in self._blocks(self.sum_method):
            weights = np.where(block.used, block.weights, 0.0)
            values = np.where(block.used, block.values, 0.0)
            errors = 0.0 * values if block.errors is None else np.where(block.used, block.errors, 0)
            sums = (weights * values), (weights * errors) ** 2, weights
            for column, part in zip(
                columns, in_one_transfer(*(s.sum(axis=1) for s in sums)), strict=True
            ):
                column.append(part)
        total, variance, area = (np.concatenate([np.empty(0), *column]) for column in columns)
        return total, np.sqrt(variance), area, found.flags, found.overlaps

    def _measured(self, method: str) -> Any:
        background: Any = np.ascontiguousarray(self._background, float)
        background = background if background.any() else None
        return measure(
            self._pixel, self._images, method, self.subpixels, background=background,
            n_threads=self.n_threads,
        )  # fmt: skip

    @property
    def _clipped_boxes(self) -> Any:
        return measured_boxes(self._pixel.boxes, self._images.data.shape)

    # --- columns

    @Column
    def id(self) -> Any:
        """The numbers of the positions, from 1."""
        return self._ids

    @Column
    def sum(self) -> Any:
        """The sum of the pixels, weighted by ``sum_method``; NaN where there is none."""
        total, _, area, *_ = self._sums
        return self._images.with_unit(np.where(area > 0, total, np.nan))

    @Column
    def sum_err(self) -> Any:
        """The root of the sum of ``(weight * error)**2``; NaN without ``error``."""
        _, error, area, *_ = self._sums
        known = area > 0 if self._images.error is not None else np.zeros(len(area), bool)
        return self._images.with_unit(np.where(known, error, np.nan))

    @Column
    def sum_aper_area(self) -> Any:
        """The weights of what was summed up, in pixels squared; NaN where there is none."""
        area = self._sums[2]
        return np.where(area > 0, area, np.nan) << u.pix**2

    @Column
    def center_aper_area(self) -> Any:
        """The number of pixels whose centre is inside, in pixels squared; NaN for none."""
        return self._n_pixels << u.pix**2

    @property
    def _n_pixels(self) -> Any:
        count = self._statistic("count").astype(float)
        return np.where(count > 0, count, np.nan)

    min = _of_values("min", "The least value.")
    max = _of_values("max", "The greatest value.")
    mean = _of_values("mean", "The mean value.")
    median = _of_values("median", "The median value.")
    biweight_location = _of_values("biweight_location", "The biweight location, c = 6.")
    biweight_midvariance = _of_values(
        "biweight_midvariance", "The biweight midvariance, c = 9.", power=2
    )
    gini = _of_values("gini", "The Gini coefficient (Lotz et al. 2004, Eq. 6).", power=0)

    @Column
    def mode(self) -> Any:
        """``3 median - 2 mean``."""
        return 3.0 * self._array("median") - 2.0 * self._array("mean")

    @Column
    def var(self) -> Any:
        """The variance, by the number of pixels less ``ddof``; NaN where that is not positive."""
        return self._images.with_unit(self._variance, 2)

    @Column
    def std(self) -> Any:
        """The root of `var`."""
        return self._images.with_unit(np.sqrt(self._variance))

    @property
    def _variance(self) -> Any:
        variance, n = self._statistic("variance"), self._n_pixels
        if self.ddof == 0:
            return variance
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(n > self.ddof, variance * n / (n - self.ddof), np.nan)

    @Column
    def mad_std(self) -> Any:
        """The median absolute deviation times 1.4826, the standard deviation of a Gaussian."""
        return self._images.with_unit(self._statistic("mad") * MAD_TO_STD)

    @property
    def _standard_error(self) -> Any:
        n = self._n_pixels
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(n >= 2, np.sqrt(self._statistic("variance") / (n - 1)), np.nan)

    @Column
    def mean_err(self) -> Any:
        """The standard error of the mean: the sample deviation over the root of the number."""
        return self._images.with_unit(self._standard_error)

    @Column
    def median_err(self) -> Any:
        """The standard error of the median of many Gaussian values: sqrt(pi / 2) `mean_err`."""
        return self._images.with_unit(np.sqrt(np.pi / 2) * self._standard_error)

    @Column
    def moments(self) -> Any:
        """Moments up to third order about the first pixel of the cutout: shape (n, 4, 4)."""
        overlaps = self._center_sums.overlaps[:, None, None]
        return np.where(overlaps, self._statistic("moments"), np.nan)

    @Column
    def moments_central(self) -> Any:
        """Moments up to third order about the centroid: shape (n, 4, 4)."""
        central = self._statistic("moments_central").copy()
        empty = self._statistic("count") == 0
        central[empty] = np.nan
        central[empty, 0, 0] = self._array("moments")[empty, 0, 0]
        return central

    @Column
    def cutout_centroid(self) -> Any:
        """The centroid ``(x, y)`` in the cutout."""
        moments = self._array("moments")
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.stack([moments[:, 0, 1], moments[:, 1, 0]], axis=1) / moments[:, :1, 0]

    @Column
    def centroid(self) -> Any:
        """The centroid ``(x, y)`` in the image."""
        return self._array("cutout_centroid") + np.maximum(self._pixel.boxes[:, 2::-2], 0)

    @Column
    def x_centroid(self) -> Any:
        """The x coordinate of the centroid."""
        return self._array("centroid")[:, 0]

    @Column
    def y_centroid(self) -> Any:
        """The y coordinate of the centroid."""
        return self._array("centroid")[:, 1]

    @Column
    def sky_centroid(self) -> Any:
        """The centroid on the sky; `None` without a WCS."""
        if self._wcs is None:
            return np.full(self.n_positions, None)
        return self._wcs.pixel_to_world(*self._array("centroid").T)

    @Column
    def sky_centroid_icrs(self) -> Any:
        """The centroid in the ICRS; `None` without a WCS."""
        return (
            self._array("sky_centroid") if self._wcs is None else self._array("sky_centroid").icrs
        )

    @Column
    def bbox(self) -> Any:
        """The bounding boxes of the aperture."""
        return [BoundingBox(x0, x1, y0, y1) for y0, y1, x0, x1 in self._pixel.boxes.tolist()]

    @Column
    def bbox_xmin(self) -> Any:
        """The first column of the bounding box."""
        return self._pixel.boxes[:, 2]

    @Column
    def bbox_xmax(self) -> Any:
        """The last column of the bounding box, inclusive."""
        return self._pixel.boxes[:, 3] - 1

    @Column
    def bbox_ymin(self) -> Any:
        """The first row of the bounding box."""
        return self._pixel.boxes[:, 0]

    @Column
    def bbox_ymax(self) -> Any:
        """The last row of the bounding box, inclusive."""
        return self._pixel.boxes[:, 1] - 1

    @cached_property
    def _ellipse(self) -> dict[str, Any]:
        central = np.ascontiguousarray(self._array("moments_central"))
        covariance, eigenvalues, *columns = ellipses(central, self.n_threads)
        named = dict(zip(ELLIPSE, columns, strict=True))
        return {"covariance": covariance, "eigenvalues": eigenvalues, **named}

    @Column
    def covariance(self) -> Any:
        """The covariance matrix: second central moments over the zeroth; axes have 1/12 or more."""
        return self._ellipse["covariance"] << u.pix**2

    @Column
    def covariance_eigvals(self) -> Any:
        """The eigenvalues of the covariance matrix, larger first."""
        return self._ellipse["eigenvalues"] << u.pix**2

    covariance_xx = _of_ellipse("covariance_xx")
    covariance_xy = _of_ellipse("covariance_xy")
    covariance_yy = _of_ellipse("covariance_yy")
    semimajor_axis = _of_ellipse("semimajor_axis")
    semiminor_axis = _of_ellipse("semiminor_axis")
    fwhm = _of_ellipse("fwhm")
    orientation = _of_ellipse("orientation")
    eccentricity = _of_ellipse("eccentricity")
    elongation = _of_ellipse("elongation")
    ellipticity = _of_ellipse("ellipticity")
    ellipse_cxx = _of_ellipse("ellipse_cxx")
    ellipse_cxy = _of_ellipse("ellipse_cxy")
    ellipse_cyy = _of_ellipse("ellipse_cyy")

    @Column
    def inertia_tensor(self) -> Any:
        """The inertia tensor about the centroid, rows as (y, x)."""
        central = self._array("moments_central")
        product = -central[:, 1, 1]
        tensor = np.stack([central[:, 0, 2], product, product, central[:, 2, 0]], axis=-1)
        return tensor.reshape(-1, 2, 2) << u.pix**2

    @Column
    def sky_orientation(self) -> Any:
        """The angle of the major axis from north towards east; `None` without a WCS."""
        if self._wcs is None:
            return np.full(self.n_positions, None)
        from skyshed.catalog.sky import sky_orientation

        named = (self._ellipse[name] for name in ("covar_sigx2", "covar_sigxy", "covar_sigy2"))
        return sky_orientation(self._wcs, *self._array("centroid").T, *named) << u.deg

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

    def _doubtful_shapes(self, count: Any, center: Any) -> list[tuple[int, Any]]:
        flag, central = APERTURE_FLAGS, self._array("moments_central")
        flux = self._array("moments")[:, 0, 0]
        with np.errstate(all="ignore"):
            xx, xy, yy = (central[:, i, j] / central[:, 0, 0] for i, j in ((0, 2), (1, 1), (2, 0)))
            determinant, trace = xx * yy - xy * xy, xx + yy
            invalid = (determinant < -ROUNDING * trace**2) | (trace < 0)
            half = 0.5 * trace
            root = np.hypot(0.5 * (xx - yy), xy)
            least = np.where(half > 0, determinant / (half + root), half - root)
            singular = (least < PIXEL_VARIANCE) & ~invalid
            dark = np.isfinite(flux) & (flux <= 0) & (count > 0)
            undefined = dark | ((center & flag.ALL_MASKED) != 0) | invalid
            x, y = self._array("centroid").T
            y0, y1, x0, x1 = self._pixel.boxes.T
            outside = (x < x0 - 0.5) | (x > x1 - 0.5) | (y < y0 - 0.5) | (y > y1 - 0.5)
        return [
            (flag.UNDEFINED_SHAPE, undefined),
            (flag.SINGULAR_COVARIANCE, singular),
            (flag.CENTROID_OUTSIDE_BBOX, outside),
        ]

    # --- cutouts

    def _cutouts(self, method: str, pick: Any) -> list[Any]:
        """Return masked arrays of what ``pick`` makes of tables of pixels."""
        boxes, cutouts = self._clipped_boxes, []
        sides = np.maximum(boxes[:, 1::2] - boxes[:, ::2], 0)
        for block in self._blocks(method):
            table, used = (to_host(each) for each in (pick(block), block.used))
            for row, mask, (height, width) in zip(
                table, used, sides[block.rows].tolist(), strict=True
            ):
                if height * width == 0:
                    cutouts.append(np.ma.masked_array([np.nan], mask=[False]))
                    continue
                shape, size = (height, width), height * width
                out = ~mask[:size]
                values = np.where(out, 0.0, row[:size])
                cutouts.append(np.ma.masked_array(values.reshape(shape), mask=out.reshape(shape)))
        return cutouts

    @Column
    def data_cutout(self) -> Any:
        """The pixels whose centre is inside: masked arrays of the box clipped to the image."""
        return self._cutouts("center", lambda block: block.values)

    @Column
    def data_sum_cutout(self) -> Any:
        """The pixels times their weights by ``sum_method``, as `data_cutout`."""
        return self._cutouts(self.sum_method, lambda block: block.values * block.weights)

    @Column
    def error_sum_cutout(self) -> Any:
        """The errors times the weights by ``sum_method``; `None` without ``error``."""
        if self._images.error is None:
            return np.full(self.n_positions, None)
        return self._cutouts(self.sum_method, lambda block: block.errors * block.weights)


def _check_clip(sigma_clip: Any) -> None:
    if sigma_clip is None:
        return
    from astropy.stats import SigmaClip

    if not isinstance(sigma_clip, SigmaClip):
        raise TypeError(f"sigma_clip must be a SigmaClip instance, got {sigma_clip!r}")
    if sigma_clip.grow:
        raise NotImplementedError(
            f"sigma_clip grows by {sigma_clip.grow} pixels, which ApertureStats does not do: use "
            "SigmaClip(grow=False)"
        )


def _clipped(sigma_clip: Any, block: Pixels) -> Any:
    """Return which pixels of tables are kept; on the host."""
    from copy import copy

    table = to_host(np.where(block.used, block.values, np.nan))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows without values
        kept = copy(sigma_clip)(table, axis=1, masked=False, copy=True)
    return np.isfinite(kept)


def _backgrounds(value: Any, n: int, unit: Any) -> Any:
    """Return the local background of each position without its unit: float64, shape (n,)."""
    if value is None:
        return np.zeros(n)
    own = getattr(value, "unit", None)
    if own is not None or unit is not None:
        if own is None or unit is None or own != unit:
            raise ValueError(
                f"local_bkg and data must have the same units, or none of them any; got {own} and "
                f"{unit}"
            )
        value = value.value
    value = np.atleast_1d(np.asarray(to_host(value), float))
    if value.ndim != 1:
        raise ValueError(f"local_bkg must be a 1D array, got shape {value.shape}")
    if len(value) not in (1, n):
        raise ValueError(
            "local_bkg must be scalar or have the same length as the input aperture: got "
            f"{len(value)} for {n} positions"
        )
    if not np.isfinite(value).all():
        raise ValueError("local_bkg must not contain any nonfinite (e.g., inf or NaN) values")
    return np.broadcast_to(value, n)

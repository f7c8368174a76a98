"""The background of an exposure: measured box by box in windows, known as a mesh of the whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from astropy.stats import SigmaClip

from skyshed.arguments import as_pair, union
from skyshed.background import Background2D
from skyshed.background.base import own_clip
from skyshed.background.box_values import BoxValues, measure_boxes
from skyshed.background.checks import without_clip
from skyshed.background.estimators import LEVELS, NOISES
from skyshed.background.interpolation import fill_gaps
from skyshed.background.mesh import Mesh, least_pixels, make_mesh
from skyshed.background.window import BackgroundWindow
from skyshed.catalog import noise_factors
from skyshed.chain.source_mask import LeftOut
from skyshed.images.exposure import Exposure, Planes, nothing_good
from skyshed.images.window import Window
from skyshed.namespace import array_namespace, to_host
from skyshed.parameters import Parameters

__all__ = [
    "Boxes", "ExposureMesh", "assemble", "background_of", "measure_stack", "measure_window",
]  # fmt: skip

#: The share of a box that must be good in the second pass, where sources are left out with all that
#: lies around them: 205 pixels of 64 x 64, whose level is good to 0.09 sigma before the filter.
LEAST_LEFT = 0.05
#: Pixels that the scale of relative weights is estimated from: their median is good to 0.1 %.
SCALE_SAMPLE = 1_000_000
#: Those of boxes whose noise is not compared.
NO_DEVIATIONS = np.empty((0, 0, 0), np.int16)


@dataclass(frozen=True, eq=False)
class Boxes:
    """What is measured of the boxes of a window.

    Attributes
    ----------
    level, noise, n_good : array, shape (nby, nbx)
        See `skyshed.background.box_values.BoxValues`.
    n_unmasked : int
        Pixels of the window that are not masked.
    sample : array
        Where the user gave the noise, that of evenly spaced pixels.
    given : array, shape (nby, nbx) or (0, 0)
        Where the user gave the background, its mean in each box; ``level`` is what it leaves.
    pairs : array, shape (n, 4 + k)
        In a second pass, the row and column in the whole image of some of the boxes, their level of
        the first pass, the noise of their pixels, and what `pair_sums` of
        `skyshed.background.noise_correlation` says of them; none in a first one.
    deviations : array of int16, shape (n, height, width) or (0, 0, 0)
        Where noise is compared with that of other bands, the pixels of these boxes, as `pair_sums`
        has them.
    """

    level: Any
    noise: Any
    n_good: Any
    n_unmasked: int
    sample: Any
    given: Any
    pairs: Any
    deviations: Any


@dataclass(frozen=True, eq=False)
class ExposureMesh:
    """The background of a whole exposure.

    Attributes
    ----------
    mesh : Mesh
        Level and noise of every box.
    scale : float
        From the noise that the user gave to absolute noise.
    lenient : bool
        Whether boxes with fewer good pixels than asked for had to be used.
    n_unmasked : int
        Pixels that are not masked.
    noise_ratio : float
        The noise that the user gave over that measured, the median over a sample of pixels; NaN
        where none was given.
    n_boxes : int
        Boxes that were used.
    n_noiseless : int
        Those of them in which the noise measured is 0.
    n_zero : int
        Those of the noiseless ones whose level is 0.
    n_unclipped : int
        Those of the noiseless ones with level 0 in which nothing was masked or clipped.
    left : float
        What the background that the user gave leaves, in units of the noise measured: the median
        over the boxes; NaN where none was given.
    few_left : bool
        Whether, without sources and what lies around them, fewer than half of the boxes had enough
        good pixels.
    given_noise : float
        The noise that the user gave, absolute, the median over a sample of pixels; NaN where none
        was given.
    correlation : array, shape (m, m) or (0, 0)
        That of the noise, of `skyshed.background.noise_correlation.correlation_of`, where it was
        measured.
    shared : array, shape (m, m) or (0, 0)
        Where bands are compared, the correlation with the noise of the band before, of
        `skyshed.background.shared_noise.shared_correlation`.
    """

    mesh: Mesh
    scale: float
    lenient: bool
    n_unmasked: int
    noise_ratio: float = np.nan
    n_boxes: int = 0
    n_noiseless: int = 0
    n_zero: int = 0
    n_unclipped: int = 0
    left: float = np.nan
    few_left: bool = False
    given_noise: float = np.nan
    correlation: Any = field(default_factory=lambda: np.empty((0, 0)))
    shared: Any = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def global_noise(self) -> float:
        """One noise for the whole exposure: the median of what is given, or of the mesh."""
        if np.isnan(self.given_noise):
            return float(np.median(self.mesh.noise))
        return float(self.given_noise)

    @property
    def noise_correlation(self) -> tuple[tuple[float, ...], ...] | None:
        """The correlation as catalogs take it."""
        return tuple(map(tuple, self.correlation.tolist())) if self.correlation.size else None

    def noise_factor(self, radius: float) -> float:
        """Return how many times the correlation makes the variance of the sum over a circle."""
        circle = [[0, 0, radius, radius, 0]]
        return float(noise_factors.of_ellipses(self.noise_correlation, circle)[0])


def measure_window(
    planes: Planes,
    window: Window,
    shape: tuple[int, int],
    box_size: tuple[int, int],
    parameters: Parameters,
    left_out: LeftOut | None = None,
    first: Mesh | None = None,
    around: Window | None = None,
    compared: bool = False,
) -> Boxes:
    """Measure the boxes of a window.

    Parameters
    ----------
    planes : Planes
        The window, or what is ``around`` it. What is not finite need not be marked without
        ``left_out``.
    window : Window
        Where it lies; it begins at the corner of a box.
    shape : tuple of int
        Of the whole image.
    box_size : tuple of int
        Height and width of the boxes.
    parameters : Parameters
        How their level and noise are estimated.
    left_out : LeftOut, optional
        The pixels of sources, which are not masked and yet no background: a second pass.
    first : Mesh, optional
        Of the first pass, in a second one.
    around : Window, optional
        Where ``planes`` and ``left_out`` are, if that is more than the window: in a second pass as
        many pixels more on each side as `skyshed.chain.faint_light.level_halo` says.
    compared : bool, optional
        Whether the noise is compared with that of other bands.
    """
    data, mask = planes.data, planes.mask
    if planes.level is not None:
        data = data - planes.level
    level_data, level_mask = None, None
    if left_out is not None:
        masked_by_user = mask
        masks = left_out.each(lambda each: union(masked_by_user, each))
        mask, level_mask = masks.noise, masks.level
        if parameters.background_fwhm is not None:
            from skyshed.chain.faint_light import smoothed  # a plain run does without

            fwhm = parameters.background_fwhm
            level_data = smoothed(data, level_mask, fwhm, parameters.n_threads)
        elif level_mask is not mask:
            level_data = data
    if around not in (None, window):
        where = window.within(around)
        planes = planes.cut(where)
        data, mask, level_data, level_mask = (
            _cut(each, where) for each in (data, mask, level_data, level_mask)
        )
    given = np.empty((0, 0))
    if planes.level is not None:
        given = _means(planes.level, box_size, parameters.n_threads)
    values = _values(data, mask, box_size, parameters)
    masked = 0 if planes.mask is None else int(np.count_nonzero(planes.mask))
    if planes.unmarked:
        masked = values.n_bad
    sample = np.empty(0) if planes.rms is None else _sampled(planes.rms, window, shape)
    n_unmasked = planes.data.size - masked
    pairs, deviations = np.empty((0, 0)), NO_DEVIATIONS
    if first is not None and parameters.correlated_noise:
        from skyshed.chain.noise_pairs import pairs_in  # a plain run does without

        # What follows an image that was given has been subtracted.
        known = None if given.size else first
        pairs, deviations = pairs_in(
            data, mask, window, shape, box_size, values, known, compared
        )  # fmt: skip
    if level_data is not None:
        of_level = _values(level_data, level_mask, box_size, parameters)
        values = values._replace(level=of_level.level, n_good=of_level.n_good)
    return Boxes(
        values.level, values.noise, values.n_good, n_unmasked, sample, given, pairs, deviations
    )


def _cut(image: Any, where: tuple[slice, slice]) -> Any:
    return None if image is None else array_namespace(image=image).ascontiguousarray(image[where])


def measure_stack(
    planes: Planes, n_images: int, box_size: tuple[int, int], parameters: Parameters
) -> list[Boxes]:
    """Measure the boxes of equal images, one below the other; of each image as `measure_window`."""
    xp = array_namespace(data=planes.data)
    shape = planes.data.shape[0] // n_images, planes.data.shape[1]
    data, mask, level, rms = (
        None if each is None else each.reshape(n_images, *shape)
        for each in (planes.data, planes.mask, planes.level, planes.rms)
    )
    given = np.empty((n_images, 0, 0))
    if level is not None:
        data, given = data - level, _means(level, box_size, parameters.n_threads)
    values = _values(data, mask, box_size, parameters)
    masked, sample = np.zeros(n_images, np.int64), np.empty((n_images, 0))
    if mask is not None:
        masked = to_host(xp.count_nonzero(mask.reshape(n_images, -1), axis=1))
    if rms is not None:
        y, x = _places(Window(0, shape[0], 0, shape[1]), shape)
        sample = to_host(rms[:, xp.asarray(y), xp.asarray(x)])
    n_unmasked = (shape[0] * shape[1] - masked).tolist()
    columns = values.level, values.noise, values.n_good, n_unmasked, sample, given
    none = np.empty((n_images, 0, 0))
    return list(map(Boxes, *columns, none, [NO_DEVIATIONS] * n_images))


def _values(data: Any, mask: Any, box_size: tuple[int, int], parameters: Parameters) -> BoxValues:
    """Return what is measured of the boxes of an image, or of each of several."""
    estimators = {name: without_clip(each) for name, each in _estimators(parameters).items()}
    return measure_boxes(
        data, mask, box_size, own_clip(_clip(parameters)), estimators, parameters.n_threads
    )


def _means(image: Any, box_size: tuple[int, int], n_threads: int | None) -> Any:
    """Return the mean of an image in each box; NaN where no pixel is finite."""
    estimators = {
        "bkg_estimator": without_clip(LEVELS["mean"]()),
        "bkgrms_estimator": without_clip(NOISES["std"]()),
    }
    return measure_boxes(image, None, box_size, None, estimators, n_threads).level


def _clip(parameters: Parameters) -> SigmaClip:
    """Return how the pixels of a box are clipped."""
    maxiters = np.inf if parameters.clip_maxiters is None else parameters.clip_maxiters
    return SigmaClip(sigma=parameters.clip_sigma, maxiters=maxiters)


def _estimators(parameters: Parameters) -> dict[str, Any]:
    """Return how level and noise of a box are estimated."""
    return {
        "bkg_estimator": LEVELS[parameters.bkg_estimator](),
        "bkgrms_estimator": NOISES[parameters.bkgrms_estimator](),
    }


def background_of(
    mesh: Mesh,
    shape: tuple[int, int],
    box_size: tuple[int, int],
    dtype: Any,
    xp: Any,
    parameters: Parameters,
) -> Background2D:
    """Return the background of an image from its mesh, with the parameters that it was made with.

    ``xp`` is the array namespace of its maps.
    """
    return Background2D.from_mesh(
        mesh, shape, box_size, dtype, xp=xp, exclude_percentile=parameters.exclude_percentile,
        filter_size=parameters.filter_size, filter_threshold=parameters.filter_threshold,
        sigma_clip=_clip(parameters), **_estimators(parameters), n_threads=parameters.n_threads,
    )  # fmt: skip


def _places(window: Window, shape: tuple[int, int]) -> tuple[Any, Any]:
    """Return the rows and columns of evenly spaced pixels of the whole image, in a window."""
    ny, nx = shape
    step = max(1, ny * nx // SCALE_SAMPLE)
    y, x = np.divmod(np.arange(-(-window.y0 * nx // step) * step, window.y1 * nx, step), nx)
    inside = (x >= window.x0) & (x < window.x1)
    return y[inside], x[inside]


def _sampled(image: Any, window: Window, shape: tuple[int, int]) -> Any:
    """Return the pixels of a window that are among evenly spaced ones of the whole image."""
    y, x = _places(window, shape)
    xp = array_namespace(image=image)
    return to_host(image[xp.asarray(y - window.y0), xp.asarray(x - window.x0)])


def assemble(
    exposure: Exposure,
    boxes: Mapping[Window, Boxes],
    n_columns: int,
    box_size: tuple[int, int],
    parameters: Parameters,
    first: ExposureMesh | None = None,
) -> ExposureMesh:
    """Make the mesh of an exposure from the boxes of all its windows.

    Where every box has too few good pixels, as in a crowded field, all that have a good one are
    used: what is left of them gives a better background than none. In a second pass without a good
    pixel that is the mesh of the first.

    Parameters
    ----------
    exposure : Exposure
        The exposure.
    boxes : mapping of Window to Boxes
        Windows that make up the image, row by row.
    n_columns : int
        How many windows make a row.
    box_size : tuple of int
        Height and width of the boxes.
    parameters : Parameters
        Of the mesh.
    first : ExposureMesh, optional
        That of the first pass, where these are the boxes of the second.

    Raises
    ------
    ValueError
        If no pixel, or no box, is good.
    """
    parts = list(boxes.values())
    n_unmasked = sum(part.n_unmasked for part in parts)
    if not n_unmasked:
        raise nothing_good(exposure.name)

    def joined(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        rows = (values[k : k + n_columns] for k in range(0, len(values), n_columns))
        return np.block(list(rows)) if len(parts) > 1 else values[0]

    values = BoxValues(joined("level"), joined("noise"), joined("n_good"), 0)
    if first is not None:
        return _second(exposure, values, joined("given"), boxes, box_size, parameters, first)
    lenient = False
    mesh = _mesh(values, box_size, parameters, parameters.exclude_percentile)
    if mesh is None and parameters.exclude_percentile < 100:
        mesh, lenient = _mesh(values, box_size, parameters, 100.0), True
    if mesh is None:
        raise ValueError(
            f"no box of the background of {exposure.name} has a good pixel: box_size is "
            f"{parameters.box_size}, clip_sigma {parameters.clip_sigma:g}; enlarge box_size, or "
            "look at the image"
        )
    n_boxes, counts = _noiseless(values, mesh.gaps, exposure.shape, box_size)
    scale, ratio = _scale_and_ratio(exposure, mesh, boxes, box_size)
    noise = _given_noise(boxes, scale)
    mesh, left = _as_given(mesh, joined("given"))
    return ExposureMesh(
        mesh, scale, lenient, n_unmasked, ratio, n_boxes, *counts, left, given_noise=noise
    )


def _second(
    exposure: Exposure,
    values: BoxValues,
    given: Any,
    boxes: Mapping[Window, Boxes],
    box_size: tuple[int, int],
    parameters: Parameters,
    first: ExposureMesh,
) -> ExposureMesh:
    """Make the mesh of the second pass; what is doubtful of the noise was seen in the first."""
    from skyshed.chain.noise_pairs import correlation_from  # a plain run does without

    enough = np.count_nonzero(values.n_good >= LEAST_LEFT * box_size[0] * box_size[1])
    few_left = 2 * int(enough) < values.n_good.size
    mesh = _mesh(values, box_size, parameters, 100 * (1 - LEAST_LEFT))
    if mesh is None:
        mesh = _mesh(values, box_size, parameters, 100.0)
    if mesh is None:
        return replace(first, few_left=True)
    scale, ratio = _scale_and_ratio(exposure, mesh, boxes, box_size)
    noise = _given_noise(boxes, scale)
    level = np.zeros_like(mesh.level) if given.size else mesh.level
    correlation = correlation_from([part.pairs for part in boxes.values()], level)
    mesh, left = _as_given(mesh, given)
    return replace(
        first, mesh=mesh, scale=scale, noise_ratio=ratio, left=left, few_left=few_left,
        given_noise=noise, correlation=correlation,
    )  # fmt: skip


def _given_noise(boxes: Mapping[Window, Boxes], scale: float) -> float:
    """Return ``given_noise`` of an `ExposureMesh`."""
    sample = np.concatenate([part.sample for part in boxes.values()])
    sample = sample[sample > 0]
    return float(np.median(sample)) * scale if sample.size else np.nan


def _as_given(mesh: Mesh, given: Any) -> tuple[Mesh, float]:
    """Return the mesh with the level that was given, if one was, and ``left``."""
    if not given.size:
        return mesh, np.nan
    good = mesh.noise > 0
    left = float(np.median(mesh.level[good] / mesh.noise[good])) if good.any() else np.nan
    return replace(mesh, level=fill_gaps(given.astype(mesh.level.dtype))[0]), left


def _scale_and_ratio(
    exposure: Exposure, mesh: Mesh, boxes: Mapping[Window, Boxes], box_size: tuple[int, int]
) -> tuple[float, float]:
    """Return ``scale`` and ``noise_ratio`` of an `ExposureMesh`."""
    if exposure.relative:
        return _scale(mesh, boxes, exposure.shape, box_size), np.nan
    return 1.0, _ratio(mesh, boxes, exposure.shape, box_size)


def _mesh(
    values: BoxValues, box_size: tuple[int, int], parameters: Parameters, exclude_percentile: float
) -> Mesh | None:
    height, width = as_pair(parameters.filter_size, "filter_size", odd=True)
    return make_mesh(
        values, least_pixels(box_size, exclude_percentile), (height, width),
        parameters.filter_threshold,
    )  # fmt: skip


def _scale(
    mesh: Mesh, boxes: Mapping[Window, Boxes], shape: tuple[int, int], box_size: tuple[int, int]
) -> float:
    """Return the factor from relative to measured noise: the median over a sample of pixels."""
    ratios = []
    for window, part in boxes.items():
        background = BackgroundWindow(mesh, shape, box_size, mesh.noise.dtype, window.bounds)
        measured = background.noise_at(*_places(window, shape))
        good = part.sample > 0
        ratios.append(measured[good] / part.sample[good])
    ratio = np.concatenate(ratios)
    return float(np.median(ratio)) if ratio.size else 1.0


def _ratio(
    mesh: Mesh, boxes: Mapping[Window, Boxes], shape: tuple[int, int], box_size: tuple[int, int]
) -> float:
    """Return the noise that was given over that of the boxes; NaN where none was given."""
    ratios = [np.empty(0)]
    for window, part in boxes.items():
        if part.sample.size:
            y, x = _places(window, shape)
            measured = mesh.noise[y // box_size[0], x // box_size[1]]
            good = (part.sample > 0) & (measured > 0)
            ratios.append(part.sample[good] / measured[good])
    ratio = np.concatenate(ratios)
    return float(np.median(ratio)) if ratio.size else np.nan


def _noiseless(
    values: BoxValues, gaps: Any, shape: tuple[int, int], box_size: tuple[int, int]
) -> tuple[int, tuple[int, int, int]]:
    """Count the boxes that were used, those without noise, and what they are like."""
    noiseless = ~gaps & (values.noise == 0)
    if not noiseless.any():
        return int(np.count_nonzero(~gaps)), (0, 0, 0)
    height, width = (
        np.minimum(size, whole - size * np.arange(n))
        for size, whole, n in zip(box_size, shape, gaps.shape, strict=True)
    )
    zero = noiseless & (values.level == 0)
    unclipped = zero & (values.n_good == np.outer(height, width))
    n_noiseless, n_zero, n_unclipped = map(int, map(np.count_nonzero, (noiseless, zero, unclipped)))
    return int(np.count_nonzero(~gaps)), (n_noiseless, n_zero, n_unclipped)

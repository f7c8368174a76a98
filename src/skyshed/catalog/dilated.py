"""The total flux and the asymmetry of dilated segments, which grow as long as they gather light."""

from typing import Any, NamedTuple

import numpy as np

from skyshed.catalog import noise_factors
from skyshed.catalog.reach import enlarged, segment_boxes
from skyshed.catalog.registry import Column, measurement
from skyshed.kernels import isophotal
from skyshed.namespace import array_namespace, in_one_transfer, like
from skyshed.sources import Sources

#: ProFound's defaults (Robotham et al. 2018, MNRAS 476, 3137): a footprint of 5 pixels dilates a
#: segment by 2, at most 6 times, as long as its flux becomes over 1.05 times as large; a step that
#: makes it less than the fifth root of that as large does not count.
STEP, N_STEPS, STILL_GROWING = 2, 6, 1.05
WORTH = STILL_GROWING**0.2
REACH = STEP * N_STEPS
#: The centre of symmetry is looked for within this many pixels of the centroid, by parts of one
#: (asymmetry.h).
CENTRE, PARTS = 8, 16
#: Pixels whose labels are looked up at a time.
AT_ONCE = 1 << 18


def _boxes(frame: Any, sources: Any) -> Any:
    # Of a pixel as far as that from its source, others may be nearer.
    return enlarged(segment_boxes(frame, sources), 2 * REACH)


@measurement(
    Column("_ring_sums", description="Sums of the data over segment and rings around it."),
    Column("_ring_variances", description="Sums of the squared errors there."),
    Column("_ring_counts", description="Numbers of unmasked pixels there."),
    reach=_boxes,
)
def _rings(frame: Any, sources: Any, n_threads: int | None) -> Any:
    """Add up the pixels of each source by how far they are from its segment."""
    xp = frame.xp
    zones = _zones(frame, sources, n_threads)
    around, squared = zones.around, zones.squared
    shape = len(around), N_STEPS + 1
    sums, variances, counts = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    inner = -1
    for step in range(N_STEPS + 1):
        outer = (STEP * step) ** 2
        mask = (squared <= inner) | (squared > outer)
        inner = outer
        if frame.mask is not None:
            mask |= frame.mask
        count, total, *_ = isophotal.summarize(around, frame.data, mask, n_threads)
        variance = xp.zeros(len(around))
        if frame.error is not None:
            variance, _ = isophotal.total(around, frame.error, mask, True, n_threads)
        count, total, variance = in_one_transfer(count, total, variance)
        counts[:, step] = count
        sums[:, step], variances[:, step] = (
            np.where(count, each, 0.0) for each in (total, variance)
        )
    if frame.error is None:
        variances[:] = np.nan
    return sums[zones.which], variances[zones.which], counts[zones.which]


class Zones(NamedTuple):
    """The pixels nearest to each of the n sources of a catalog, of which some may be the same.

    Attributes
    ----------
    around : Sources
        Those of the m that differ.
    squared : array of int32, shape (ny, nx)
        How far pixels are from the nearest segment, squared.
    owner : array of int32, shape (ny, nx)
        Which of the m sources each pixel is nearest to, from 1; 0 for none within reach, -1 for one
        that is not in the catalog.
    first : array of int64, shape (m,)
        Where each of the m is in the catalog, for the first time.
    which : array of int64, shape (n,)
        Which of the m each of the catalog is.
    """

    around: Sources
    squared: Any
    owner: Any
    first: Any
    which: Any


def _zones(frame: Any, sources: Any, n_threads: int | None) -> Zones:
    from skyshed.kernels.nearest import nearest_labels  # a plain run does without

    height = frame.shape[0] // frame.n_images
    nearest, squared = nearest_labels(frame.labels, REACH, height, n_threads)
    # Images that lie one below the other have their own labels.
    labels = sources.host.labels.astype(np.int64)
    beyond = int(labels.max(initial=0)) + 1
    keys = sources.host.bbox[:, 0] // height * beyond + labels
    keys, first, which = np.unique(keys, return_index=True, return_inverse=True)
    owner = _looked_up(nearest, like(keys, nearest), beyond, height)
    around = Sources.from_labels(owner * (owner > 0), n_threads)
    return Zones(around, squared, owner, first, which)


def _looked_up(nearest: Any, keys: Any, beyond: int, height: int) -> Any:
    """Return ``owner`` of `Zones`, some rows at a time, which needs less memory."""
    xp = array_namespace(nearest=nearest)
    owner = xp.zeros(nearest.shape, dtype=np.int32)
    if not keys.shape[0]:
        return owner - (nearest != 0).astype(np.int32)
    step = max(AT_ONCE // max(nearest.shape[1], 1), 1)
    for y in range(0, nearest.shape[0], step):
        label = nearest[y : y + step].astype(np.int64)
        image = xp.arange(y, y + label.shape[0])[:, None] // height
        key = xp.where(label < beyond, image * beyond + label, -1)
        at = xp.clip(xp.searchsorted(keys, key), 0, keys.shape[0] - 1)
        found = xp.where(keys[at] == key, at + 1, -1)
        owner[y : y + step] = xp.where(label == 0, 0, found)
    return owner


@measurement(
    Column(
        "dilated_flux",
        "data",
        "Sum over the segment, dilated by steps of 2 pixels, at most 6, to the first that makes "
        "the flux less than 1.05 times as large (Robotham et al. 2018; ProFound's total flux), or "
        "to that before one that adds less than 1 %; less the local background. Pixels that are "
        "masked, or nearer to another segment, are left out; without light nothing is dilated.",
        ucd="phot.flux",
    ),
    Column("_dilated_variance", description="Sum of the squared errors."),
    Column("_dilated_steps", description="Steps that the segment was dilated by."),
    Column(
        "dilated_area",
        "pix2",
        "Area of the unmasked pixels of the dilated segment; NaN where there are none.",
        ucd="phys.area;instr.pixel",
    ),
)
def dilated_photometry(
    _ring_sums: Any, _ring_variances: Any, _ring_counts: Any, local_background: Any
) -> Any:
    """Grow while the flux does; without light in the segment there is nothing that grows."""
    rows = np.arange(len(_ring_sums))
    counts = np.cumsum(_ring_counts, axis=1)
    fluxes = np.cumsum(_ring_sums, axis=1) - counts * local_background[:, None]
    growing = (fluxes[:, :-1] > 0) & (fluxes[:, 1:] > STILL_GROWING * fluxes[:, :-1])
    steps = np.argmin(np.column_stack([growing, np.zeros(len(fluxes), bool)]), axis=1)
    last = np.minimum(steps + 1, N_STEPS)
    flux = fluxes[rows, steps]
    steps = np.where((flux > 0) & (fluxes[rows, last] >= WORTH * flux), last, steps)
    count = counts[rows, steps]
    variance = np.cumsum(_ring_variances, axis=1)[rows, steps]
    flux, variance, area = (
        np.where(count > 0, each, np.nan) for each in (fluxes[rows, steps], variance, count)
    )
    return flux, variance, steps, area


@measurement(
    Column(
        "dilated_fluxerr",
        "data",
        "1-sigma error of dilated_flux.",
        requires=("error",),
        ucd="stat.error;phot.flux",
    ),
)
def dilated_fluxerr(
    _dilated_variance: Any,
    dilated_flux: Any,
    dilated_area: Any,
    semimajor_sigma: Any,
    semiminor_sigma: Any,
    orientation: Any,
    noise_correlation: Any,
    smoothed_noise: Any,
) -> Any:
    """Take the square root of the variance, for noise that may be correlated."""
    shape = semimajor_sigma, semiminor_sigma, orientation
    return noise_factors.errors_in_segments(
        _dilated_variance, dilated_flux, dilated_area, shape, noise_correlation, smoothed_noise
    )


def _opposite_boxes(frame: Any, sources: Any) -> Any:
    # Opposite to a pixel beyond one end of the box, about a centre beyond the other.
    boxes = segment_boxes(frame, sources)
    sides = boxes[:, 1::2] - boxes[:, ::2]
    return enlarged(boxes, sides + 2 * (REACH + CENTRE + 1))


@measurement(
    Column(
        "asymmetry",
        description="Sum of the differences of opposite pixels of the dilated segment, as absolute "
        "values, over that of the pixels, about the centre where that is least, less what "
        "independent noise of the errors adds, where there are errors (Conselice 2003, section 3): "
        "0 for what looks the same turned by 180 degrees. Pixels are left out that are masked or "
        "another source's, or to which such are opposite.",
        ucd="src.morph.param",
    ),
    reach=_opposite_boxes,
    on_host=("xcentroid", "ycentroid", "_dilated_steps", "local_background"),
)
def asymmetry(
    frame: Any,
    sources: Any,
    xcentroid: Any,
    ycentroid: Any,
    _dilated_steps: Any,
    local_background: Any,
    n_threads: int | None,
) -> Any:
    """Compare opposite pixels, and look for the centre."""
    zones = _zones(frame, sources, n_threads)
    first, squared = zones.first, zones.squared
    centroids = np.column_stack([ycentroid, xcentroid])
    known = np.isfinite(centroids).all(axis=1)
    # Rounded in the whole image, where the numbers are the same however it is cut into tiles.
    centres = np.rint(PARTS * np.where(known[:, None], centroids, 0.0)).astype(np.int64)
    centres -= PARTS * frame.origins(sources)
    farthest = (STEP * np.asarray(_dilated_steps, np.int64)) ** 2
    of_each = farthest, np.asarray(local_background, float), centres
    reach, level, begin = (like(np.ascontiguousarray(each[first]), squared) for each in of_each)
    error = None if frame.error is None else frame.error.astype(frame.data.dtype, copy=False)
    found = isophotal.asymmetry(
        zones.around, frame.data, error, frame.mask, squared, reach, level, begin,
        zones.owner, frame.shape[0] // frame.n_images, n_threads,
    )  # fmt: skip
    found = frame.xp.take(found, like(zones.which, found))
    return frame.xp.where(like(known, found), found, np.nan)

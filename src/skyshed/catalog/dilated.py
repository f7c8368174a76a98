"""The total flux and the asymmetry of dilated segments, which grow as long as they gather light."""

from typing import Any

import numpy as np

from skyshed.catalog import noise_factors
from skyshed.catalog.reach import enlarged, segment_boxes
from skyshed.catalog.registry import Column, measurement
from skyshed.kernels import isophotal
from skyshed.namespace import in_one_transfer, like
from skyshed.sources import Sources

#: ProFound's defaults (Robotham et al. 2018, MNRAS 476, 3137): a footprint of 5 pixels dilates a
#: segment by 2, at most 6 times, as long as its flux becomes over 1.05 times as large.
STEP, N_STEPS, STILL_GROWING = 2, 6, 1.05
REACH = STEP * N_STEPS
#: The centre of symmetry is looked for within this many pixels of the centroid, by parts of one
#: (asymmetry.h).
CENTRE, PARTS = 8, 16


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
    around, squared, _ = _zones(frame, sources, n_threads)
    shape = len(sources), N_STEPS + 1
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
    return sums, variances, counts


def _zones(frame: Any, sources: Any, n_threads: int | None) -> tuple[Sources, Any, Any]:
    """Return the pixels nearest to each source, how far they are, squared, and whose each is.

    The last is the position of the source in the catalog, from 1; 0 for no source, -1 for one that
    is not in the catalog.
    """
    from skyshed.kernels.nearest import nearest_labels  # a plain run does without

    height = frame.shape[0] // frame.n_images
    nearest, squared = nearest_labels(frame.labels, REACH, height, n_threads)
    owner = _positions(frame, sources, nearest, height)
    return Sources.from_labels(owner * (owner > 0), n_threads), squared, owner


def _positions(frame: Any, sources: Any, nearest: Any, height: int) -> Any:
    """Look the labels up; images that lie one below the other have their own."""
    xp = frame.xp
    pixel = xp.flatnonzero(nearest)
    image, first = pixel // (height * frame.shape[1]), sources.host.bbox[:, 0] // height
    labels = sources.host.labels.astype(np.int64)
    beyond = int(labels.max(initial=0)) + 1
    keys = first * beyond + labels
    order = np.argsort(keys)
    keys, order = (like(each, nearest) for each in (keys[order], order))
    label = nearest.reshape(-1)[pixel].astype(np.int64)
    key = xp.where(label < beyond, image * beyond + label, -1)
    at = xp.clip(xp.searchsorted(keys, key), 0, max(len(sources) - 1, 0))
    own = keys[at] == key
    positions = xp.zeros(nearest.shape, dtype=np.int32)
    positions.reshape(-1)[pixel] = xp.where(own, order[at] + 1, -1).astype(np.int32)
    return positions


@measurement(
    Column(
        "dilated_flux",
        "data",
        "Sum over the segment, dilated by steps of 2 pixels, at most 6, to the first that makes "
        "the flux less than 1.05 times as large (Robotham et al. 2018; ProFound's total flux), or "
        "to that before one that takes light away; less the local background. Pixels that are "
        "masked, or nearer to another segment, are left out.",
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
    # The step by which it hardly grows counts, if it does not shrink.
    last = np.minimum(steps + 1, N_STEPS)
    flux = fluxes[rows, steps]
    steps = np.where((flux > 0) & (fluxes[rows, last] > flux), last, steps)
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
    return noise_factors.errors_of_sums(
        _dilated_variance, dilated_flux, noise_correlation, smoothed_noise,
        lambda correlation: noise_factors.of_segments(
            correlation, dilated_area, semimajor_sigma, semiminor_sigma, orientation
        ),
    )  # fmt: skip


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
    around, squared, owner = _zones(frame, sources, n_threads)
    centroids = np.column_stack([ycentroid, xcentroid])
    known = np.isfinite(centroids).all(axis=1)
    # Rounded in the whole image, where the numbers are the same however it is cut into tiles.
    centres = np.rint(PARTS * np.where(known[:, None], centroids, 0.0)).astype(np.int64)
    centres -= PARTS * frame.origins(sources)
    farthest = (STEP * np.asarray(_dilated_steps, np.int64)) ** 2
    found = isophotal.asymmetry(
        around, frame.data, frame.error, frame.mask, squared, like(farthest, squared),
        like(np.asarray(local_background, float), squared), like(centres, squared), owner,
        frame.shape[0] // frame.n_images, n_threads,
    )  # fmt: skip
    return frame.xp.where(like(known, found), found, np.nan)

"""What to know about a source before relying on its measurements: flags, and where it is from."""

from typing import Any

import numpy as np

from skyshed.catalog.reach import segment_boxes
from skyshed.catalog.registry import SEGMENT, Column, Results, measurement
from skyshed.flags import SEGMENTATION_FLAGS as FLAGS
from skyshed.flags import decode_segmentation_flags
from skyshed.kernels.apertures import Seen
from skyshed.namespace import count_in_rows, is_device_array

__all__ = ["decode"]

#: What is noticed when a Kron aperture is summed, and the flag for it.
KRON = {
    Seen.UNMEASURED: FLAGS.KRON_UNDEFINED,
    Seen.NO_PIXEL: FLAGS.KRON_NO_OVERLAP,
    Seen.BEYOND_EDGE: FLAGS.KRON_PARTIAL_OVERLAP,
    Seen.MASKED: FLAGS.KRON_MASKED_PIXELS,
    Seen.NON_FINITE: FLAGS.KRON_NON_FINITE_DATA,
    Seen.ERROR_NON_FINITE: FLAGS.KRON_NON_FINITE_ERROR,
    Seen.NEIGHBOUR: FLAGS.KRON_NEIGHBOR_PIXELS,
    Seen.NOT_REPLACED: FLAGS.KRON_UNCORRECTED_PIXELS,
}
#: The flags of every combination of these bits, so that each source takes one look-up.
KRON_FLAGS = np.array([sum(KRON[seen] for seen in Seen(bits)) for bits in range(2 ** len(KRON))])


@measurement(
    Column("_at_edge", description="Whether the segment touches the edge of the image."),
    Column("_masked_in", description="Whether a pixel of the segment is in the caller's mask."),
    Column("_not_finite_in", description="Whether a value of the segment is not finite."),
    reach=SEGMENT,
    on_host=("_count",),
)
def _bad_in_segment(frame: Any, sources: Any, _count: Any) -> Any:
    ny, nx = frame.full_shape
    y0, y1, x0, x1 = segment_boxes(frame, sources).T
    edge = (y0 == 0) | (x0 == 0) | (y1 == ny) | (x1 == nx)
    none = np.zeros(len(sources), bool)
    lost = _count < sources.host.area
    if frame.mask is frame.input_mask:  # where all data are finite, the frame has one mask
        return edge, lost, none
    if is_device_array(frame.labels):
        return edge, *_found_in(frame, sources)
    masked, not_finite = none, none.copy()
    if lost.any():  # all pixels of the others are measured
        masked[lost], not_finite[lost] = _found_in(frame, sources.take(np.flatnonzero(lost)))
    return edge, masked, not_finite


def _found_in(frame: Any, sources: Any) -> tuple[Any, Any]:
    """Return whether pixels of each segment are in the caller's mask, and whether not finite."""

    def pixels(image: Any) -> Any:
        return frame.xp.take(image.reshape(-1), sources.pixel)

    def in_segment(bad: Any) -> Any:
        return count_in_rows(bad, sources.start) > 0

    mask = frame.input_mask
    masked = np.zeros(len(sources), bool) if mask is None else in_segment(pixels(mask))
    return masked, in_segment(~np.isfinite(pixels(frame.data)))


@measurement(Column("_segment_flags", description="Flags of the segment's pixels and position."))
def _segment_flags(
    _count: Any, _at_edge: Any, _masked_in: Any, _not_finite_in: Any, _finite_errors: Any
) -> Any:
    flags = FLAGS.EDGE_TOUCH * _at_edge.astype(np.int64)
    flags |= FLAGS.ALL_MASKED * (_count == 0)
    flags |= FLAGS.MASKED_PIXELS * _masked_in
    flags |= FLAGS.NON_FINITE_DATA * _not_finite_in
    return flags | FLAGS.NON_FINITE_ERROR * ~_finite_errors


@measurement(Column("_shape_flags", description="Flags of the moments."), geometry=True)
def _shape_flags(moments: Any, moments_central: Any, covar_sigx2: Any, covar_sigy2: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        xx, yy = (moments_central[:, k, 2 - k] / moments_central[:, 0, 0] for k in (0, 2))
    is_finite = np.isfinite(xx + yy)
    # Invalid covariances are NaN; those below a pixel's variance were raised to it.
    undefined = ~(moments[:, 0, 0] > 0) | (is_finite & np.isnan(covar_sigx2))
    singular = is_finite & ((covar_sigx2 > xx) | (covar_sigy2 > yy))
    flags = FLAGS.UNDEFINED_SHAPE * undefined.astype(np.int64)
    return flags | FLAGS.SINGULAR_COVARIANCE * singular


def _deblending_flags(provenance: Any, sources: Any) -> Any:
    """Return the flags of deblending of each source, or 0 if none has any."""
    if provenance.flagged.size == 0:
        return 0
    order = np.argsort(provenance.flagged)
    flagged, flags = provenance.flagged[order], provenance.flags[order]
    labels = sources.host.labels
    index = np.minimum(np.searchsorted(flagged, labels), flagged.size - 1)
    return np.where(flagged[index] == labels, flags[index], 0)


@measurement(
    Column(
        "flags",
        description="Quality flags, a sum of bits; 0 for none. `decode_flags` has their names.",
        ucd="meta.code.qual",
    )
)
def flags(
    sources: Any,
    provenance: Any,
    _segment_flags: Any,
    _shape_flags: Any,
    _too_few_around: Any,
    _kron_seen: Any,
    _kron_at_least: Any,
) -> Any:
    """Combine all flags."""
    bits = _segment_flags | _shape_flags | _deblending_flags(provenance, sources)
    bits |= KRON_FLAGS[_kron_seen]
    bits |= FLAGS.KRON_MINIMUM_RADIUS * _kron_at_least
    return bits | FLAGS.LOCAL_BKG_TOO_FEW_PIXELS * _too_few_around


@measurement(
    Column(
        "parent",
        description="Label before deblending, which the children of one source share, as "
        "SourceExtractor's ID_PARENT.",
        ucd="meta.id.parent",
    )
)
def parent(sources: Any, provenance: Any) -> Any:
    """Look up what deblending noted."""
    return provenance.labels_before(sources.host.labels)


def decode(results: Results, return_bit_values: bool) -> dict[int, list[Any]]:
    """Return the names or bits of each source's flags; see `SourceCatalog.decode_flags`."""
    (values,) = results.on_host("flags")
    decoded = decode_segmentation_flags(values, return_bit_values=return_bit_values)
    return dict(zip(results["sources"].host.labels.tolist(), decoded, strict=True))

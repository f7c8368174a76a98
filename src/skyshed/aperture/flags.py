"""The meaning of the bits in an aperture's flags; photutils 3.1's."""

from typing import Any

from skyshed.flags import Flag, Flags, decode

__all__ = ["APERTURE_FLAGS", "decode_aperture_flags"]

_TABLE = (
    ("no_overlap", "outside the image", "No pixel of the image has weight in the aperture."),
    (
        "partial_overlap",
        "partly outside the image",
        "At least one pixel with weight in the aperture would lie outside the image.",
    ),
    (
        "no_pixels",
        "no pixel in the image has weight",
        "The aperture is outside the image, or so small that it holds no pixel's centre or point "
        "(methods 'center' and 'subpixel').",
    ),
    (
        "masked_pixels",
        "masked pixels in the aperture",
        "At least one pixel with weight in the aperture is masked by ``mask``.",
    ),
    (
        "non_finite_data",
        "NaN or inf among the data of the aperture",
        "At least one unmasked data value with weight in the aperture is NaN or infinite.",
    ),
    (
        "non_finite_error",
        "NaN or inf among the errors of the aperture",
        "At least one error value of a measured pixel is NaN or infinite.",
    ),
    (
        "neighbor_pixels",
        "pixels of neighbours in the aperture",
        "At least one pixel of the aperture belongs to another source of the segmentation image, "
        "and was left out or replaced.",
    ),
    (
        "uncorrected_pixels",
        "pixels of neighbours that could not be replaced",
        "With ``mask_method='correct'``, at least one neighbour's pixel has no mirror pixel to be "
        "replaced by, and was left out.",
    ),
    (
        "all_masked",
        "no usable pixel in the aperture",
        "The aperture has pixels, and each is masked, not finite or left out as a neighbour's.",
    ),
    (
        "sigma_clipped",
        "clipped pixels in the aperture",
        "At least one pixel of the aperture was clipped.",
    ),
    ("all_clipped", "all pixels were clipped", "Each usable pixel of the aperture was clipped."),
    (
        "too_few_pixels",
        "too few pixels for a statistic",
        "One usable pixel has no standard error; ``ddof`` or fewer have no variance.",
    ),
    (
        "undefined_shape",
        "the shape is undefined: the flux is not positive, or the covariance is invalid",
        "The sum of the pixels (method 'center') is not positive, or their second moments are no "
        "covariance (not positive semidefinite; the shape is then NaN).",
    ),
    (
        "singular_covariance",
        "the covariance is singular, or nearly",
        "The variance along the minor axis is less than 1/12, that of a pixel's width: the "
        "covariance was enlarged, and the shape means little.",
    ),
    (
        "centroid_outside_bbox",
        "the centroid is outside the bounding box",
        "Negative pixels moved the centroid out of the aperture's bounding box.",
    ),
)

#: The flags of apertures.
APERTURE_FLAGS = Flags((Flag(1 << bit, *entry) for bit, entry in enumerate(_TABLE)), "aperture")


def decode_aperture_flags(flags: Any, *, return_bit_values: bool = False) -> list[Any]:
    """Return the names of the flags of apertures, `APERTURE_FLAGS`, that are set.

    Parameters and errors are those of `~skyshed.decode_segmentation_flags`.

    Examples
    --------
    >>> from skyshed.aperture import decode_aperture_flags
    >>> decode_aperture_flags([0, 10])
    [[], ['partial_overlap', 'masked_pixels']]
    """
    return decode(flags, APERTURE_FLAGS, return_bit_values=return_bit_values)

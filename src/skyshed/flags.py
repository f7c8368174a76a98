"""The meaning of the bits in a source's flags."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from skyshed.namespace import to_host
from skyshed.notebook import quietly, table_of_rows

__all__ = [
    "SEGMENTATION_FLAGS",
    "USUAL",
    "Flag",
    "Flags",
    "decode",
    "decode_segmentation_flags",
    "sextractor_flags",
    "with_flag_list",
]

F = TypeVar("F", bound=Callable[..., Any])

#: The line that `with_flag_list` replaces by the list.
LIST_GOES_HERE = re.compile(r"^([ \t]*)<flags>$", re.MULTILINE)


@dataclass(frozen=True)
class Flag:
    """The meaning of one bit.

    Attributes
    ----------
    bit_value : int
        A power of two.
    name : str
        Lower case, with underscores.
    description : str
        What it means, in a few words.
    detailed_description : str
        When it is set.
    """

    bit_value: int
    name: str
    description: str
    detailed_description: str


class Flags:
    """A set of flags, each of which is found by its name or its bit.

    A flag's bit is also an attribute, under its name in capitals.

    Parameters
    ----------
    flags : iterable of `Flag`
        The flags.
    domain : str
        What the flags are about; an attribute.

    Examples
    --------
    >>> from skyshed import SEGMENTATION_FLAGS
    >>> SEGMENTATION_FLAGS.EDGE_TOUCH
    16
    >>> SEGMENTATION_FLAGS.get_name(32)
    'deblended'
    >>> SEGMENTATION_FLAGS.get_description("deblended")
    'made by splitting a source'
    """

    def __init__(self, flags: Iterable[Flag], domain: str) -> None:
        self.domain = domain
        self._flags = tuple(flags)
        self._by_name = {flag.name: flag for flag in self._flags}
        self._by_bit = {flag.bit_value: flag for flag in self._flags}
        vars(self).update({flag.name.upper(): flag.bit_value for flag in self._flags})

    @quietly
    def _repr_html_(self) -> str:
        return table_of_rows(
            f"Flags of the {self.domain}", ("bit", "name", "meaning", "when"),
            (
                (flag.bit_value, flag.name, flag.description, flag.detailed_description)
                for flag in self._flags
            ),
        )  # fmt: skip

    def __getattr__(self, name: str) -> int:
        # Called for unknown names only; it tells type checkers that the others are ints.
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def all_flags(self) -> list[Flag]:
        """Every `Flag`, by ascending bit."""
        return list(self._flags)

    @property
    def FLAG_DEFINITIONS(self) -> list[Flag]:  # noqa: N802 - photutils' name
        """The same as `all_flags`."""
        return self.all_flags

    @property
    def bit_values(self) -> list[int]:
        """Every bit."""
        return list(self._by_bit)

    @property
    def names(self) -> list[str]:
        """Every name."""
        return list(self._by_name)

    @property
    def flag_dict(self) -> dict[int, str]:
        """``{bit: name}``."""
        return {flag.bit_value: flag.name for flag in self._flags}

    def get_definition(self, identifier: int | str) -> Flag:
        """Return the `Flag` with a name or a bit.

        Raises
        ------
        KeyError
            If there is none.
        TypeError
            If ``identifier`` is neither an integer nor a string.
        """
        if isinstance(identifier, str):
            if identifier not in self._by_name:
                raise KeyError(f"No flag with name {identifier!r}: the names are {self.names}")
            return self._by_name[identifier]
        if not _is_integer(identifier):
            raise TypeError(
                f"identifier must be int (bit value) or str (name) of a flag, got {identifier!r}"
            )
        if int(identifier) not in self._by_bit:
            raise KeyError(f"No flag with bit value {identifier}: the bits are {self.bit_values}")
        return self._by_bit[int(identifier)]

    def get_name(self, bit_value: int) -> str:
        """Return the name of a flag; see `get_definition` for errors."""
        return self.get_definition(bit_value).name

    def get_bit_value(self, name: str) -> int:
        """Return the bit of a flag; see `get_definition` for errors."""
        return self.get_definition(name).bit_value

    def get_description(self, bit_value: int | str) -> str:
        """Return the short description of a flag; see `get_definition` for errors."""
        return self.get_definition(bit_value).description

    def get_detailed_description(self, bit_value: int | str) -> str:
        """Return the detailed description of a flag; see `get_definition` for errors."""
        return self.get_definition(bit_value).detailed_description


#: Name, description and detailed description; the n-th has the bit ``2**n``. Names and bits are
#: those of photutils 3.1, and must stay: they are in people's tables.
_TABLE = (
    (
        "masked_pixels",
        "masked pixels in the segment",
        "At least one pixel of the segment is masked by ``mask``.",
    ),
    (
        "non_finite_data",
        "NaN or inf among the data of the segment",
        "At least one data value of the segment is NaN or infinite.",
    ),
    (
        "non_finite_error",
        "NaN or inf among the errors of the segment",
        "At least one error value of the segment is NaN or infinite.",
    ),
    (
        "all_masked",
        "no usable pixel in the segment",
        "Each pixel of the segment is masked or not finite: nothing could be measured.",
    ),
    (
        "edge_touch",
        "the segment touches an edge of the image",
        "The segment reaches the first or last row or column of the image: part of the source may "
        "be missing, and its measurements may be wrong.",
    ),
    (
        "deblended",
        "made by splitting a source",
        "`deblend_sources` made this source by splitting another one, its parent.",
    ),
    (
        "deblend_non_positive_min",
        "deblended in mode 'sinh': the minimum is not positive",
        "The minimum of the source that was to be split (the parent, or this one if it stayed "
        "whole) is not positive: the deblending mode became 'sinh'.",
    ),
    (
        "deblend_too_many_markers",
        "deblended in mode 'linear': too many markers",
        "The source that was to be split (the parent, or this one if it stayed whole) had too many "
        "potential peaks: the deblending mode became 'linear'.",
    ),
    (
        "undefined_shape",
        "the shape is undefined: the flux is not positive, or the covariance is invalid",
        "The sum of the segment's data (its zeroth moment) is not positive, or its second moments "
        "are no covariance (not positive semidefinite; the shape is then NaN). Centroid and shape "
        "are undefined or can't be trusted. A source without a usable pixel has this flag, too.",
    ),
    (
        "singular_covariance",
        "the covariance is singular, or nearly",
        "The variance along the minor axis is less than 1/12, that of a pixel's width: the "
        "covariance was enlarged, and the shape means little.",
    ),
    (
        "kron_undefined",
        "no Kron aperture, or none measured",
        "There is no Kron aperture (e.g. because no pixel is usable), or it was not measured (e.g. "
        "because it is too large): the Kron flux is NaN. Of the other Kron flags, only "
        "``kron_minimum_radius`` can be set as well.",
    ),
    (
        "kron_minimum_radius",
        "a minimum of the Kron aperture was used",
        "The unscaled Kron radius was not above its minimum (``kron_params[1]``), or could not be "
        "measured because numerator or denominator is not positive, and the minimum was used; or "
        "the least circle (``kron_params[2]``) replaced the ellipse.",
    ),
    (
        "kron_no_overlap",
        "the Kron aperture is outside the image",
        "No pixel of the image has weight in the Kron aperture.",
    ),
    (
        "kron_partial_overlap",
        "the Kron aperture is partly outside the image",
        "At least one pixel with weight in the Kron aperture would lie outside the image.",
    ),
    (
        "kron_masked_pixels",
        "masked pixels in the Kron aperture",
        "At least one pixel with weight in the Kron aperture is masked by ``mask``.",
    ),
    (
        "kron_non_finite_data",
        "NaN or inf among the data of the Kron aperture",
        "At least one unmasked data value with weight in the Kron aperture is NaN or infinite.",
    ),
    (
        "kron_non_finite_error",
        "NaN or inf among the errors of the Kron aperture",
        "At least one unmasked error value with weight in the Kron aperture is NaN or infinite: "
        "the error of the Kron flux is NaN.",
    ),
    (
        "kron_neighbor_pixels",
        "pixels of neighbours in the Kron aperture",
        "At least one pixel of the Kron aperture belongs to another source, and was left out or "
        "replaced (``apermask_method`` 'mask' or 'correct').",
    ),
    (
        "kron_uncorrected_pixels",
        "pixels of neighbours in the Kron aperture that could not be replaced",
        "With ``apermask_method`` 'correct', at least one neighbour's pixel in the Kron aperture "
        "has no mirror pixel to be replaced by, and counts as zero.",
    ),
    (
        "local_bkg_too_few_pixels",
        "too few pixels for the local background",
        "With ``localbkg_width`` above 0, fewer than 10 pixels around the source are usable "
        "(finite, not masked, in no segment): the local background is zero instead (NaN for a "
        "source without a usable pixel).",
    ),
)

#: Those that photutils does not have. Their bits leave room for what it may come to have.
_OWN = (
    (
        "saturated",
        "saturated pixels in the segment",
        "At least one pixel of the segment, masked or not, has a value, background included, of at "
        "least ``saturation`` (`extract`).",
    ),
)
_FIRST_OWN = 30

#: The flags of segmentation images and catalogs: a bit means the same in both.
SEGMENTATION_FLAGS = Flags(
    (
        Flag(1 << first + bit, *entry)
        for first, table in ((0, _TABLE), (_FIRST_OWN, _OWN))
        for bit, entry in enumerate(table)
    ),
    "segmentation",
)

#: Bits that tell how a source was found and measured, as many are that nothing is wrong with: split
#: from another, in the least aperture, or with the light opposite to a neighbour in its place.
USUAL = (
    SEGMENTATION_FLAGS.DEBLENDED
    | SEGMENTATION_FLAGS.DEBLEND_NON_POSITIVE_MIN
    | SEGMENTATION_FLAGS.KRON_MINIMUM_RADIUS
    | SEGMENTATION_FLAGS.KRON_NEIGHBOR_PIXELS
)


#: SExtractor's bits of flags -> the names here of what they mean. Bit 1 is of neighbours and bad
#: pixels that bias an aperture, 16 of apertures that are incomplete, 32 of segments that are.
_SEXTRACTOR = {
    1: (
        "kron_neighbor_pixels", "masked_pixels", "non_finite_data", "kron_masked_pixels",
        "kron_non_finite_data",
    ),
    2: ("deblended",),
    4: ("saturated",),
    8: ("edge_touch",),
    16: ("kron_partial_overlap", "kron_no_overlap", "kron_undefined"),
    32: ("undefined_shape", "all_masked"),
}  # fmt: skip


def sextractor_flags(flags: Any) -> Any:
    """Return flags of segmentation images as SExtractor's, as far as it has a bit for them.

    Parameters
    ----------
    flags : array of int, shape (n,)
        Sums of bits of `SEGMENTATION_FLAGS`.

    Returns
    -------
    theirs : array of int16, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.flags import SEGMENTATION_FLAGS, sextractor_flags
    >>> sextractor_flags(np.array([0, SEGMENTATION_FLAGS.DEBLENDED])).tolist()
    [0, 2]
    """
    theirs = np.zeros(len(flags), np.int16)
    for bit, names in _SEXTRACTOR.items():
        ours = sum(SEGMENTATION_FLAGS.get_bit_value(name) for name in names)
        theirs[(flags & ours) != 0] |= bit
    return theirs


def with_flag_list(function: F) -> F:
    """Replace a line ``<flags>`` in the docstring of ``function`` by a list of all flags."""

    def listed(line: re.Match[str]) -> str:
        indent = line[1]
        lines = [f"{indent}* **0**: no flag is set."] + [
            f"{indent}* **{flag.bit_value}** (``{flag.name!r}``): {flag.detailed_description}"
            for flag in SEGMENTATION_FLAGS.all_flags
        ]
        return "\n".join(lines)

    if function.__doc__ is not None:  # docstrings are None under python -OO
        function.__doc__ = LIST_GOES_HERE.sub(listed, function.__doc__)
    return function


@with_flag_list
def decode_segmentation_flags(flags: Any, *, return_bit_values: bool = False) -> list[Any]:
    """Return the names of the flags that are set.

    Parameters
    ----------
    flags : int or array_like of int, any shape
        Flags of one or more sources: sums of

        <flags>
    return_bit_values : bool, optional
        Whether to return bits instead of names.

    Returns
    -------
    decoded : list
        The names (or bits) by ascending bit: a list for one integer, and for an array lists that
        are nested as its axes are. Bits without a meaning are ignored.

    Raises
    ------
    TypeError
        If ``flags`` holds anything but integers; booleans are not integers.
    ValueError
        If it holds negative integers.

    Examples
    --------
    >>> from skyshed import decode_segmentation_flags
    >>> decode_segmentation_flags(48)
    ['edge_touch', 'deblended']
    >>> decode_segmentation_flags([0, 33])
    [[], ['masked_pixels', 'deblended']]
    >>> decode_segmentation_flags(48, return_bit_values=True)
    [16, 32]
    """
    return decode(flags, SEGMENTATION_FLAGS, return_bit_values=return_bit_values)


def decode(flags: Any, meanings: Flags, *, return_bit_values: bool) -> list[Any]:
    """Return what is set in flags of any set; see `decode_segmentation_flags`."""
    if not isinstance(return_bit_values, (bool, np.bool_)):
        raise TypeError(f"return_bit_values must be True or False, got {return_bit_values!r}")
    flags = flags if np.isscalar(flags) else np.asarray(to_host(flags))
    if np.ndim(flags) == 0:
        value = flags.item() if isinstance(flags, np.ndarray) else flags
        return _decode(value, meanings, return_bit_values)
    if flags.dtype.kind in "iu":
        # Even a million sources have few different combinations of flags.
        values, which = np.unique(flags, return_inverse=True)
        known = [_decode(value, meanings, return_bit_values) for value in values]
        return _nested([list(known[at]) for at in which.reshape(-1).tolist()], flags.shape)
    each = [_decode(value, meanings, return_bit_values) for value in flags.flat]
    return _nested(each, flags.shape)


def _decode(value: Any, meanings: Flags, return_bit_values: bool) -> list[Any]:
    """Return the names or the bits of one integer."""
    if not _is_integer(value):
        raise TypeError(f"flags: a flag value must be an integer of at least 0, got {value!r}")
    if value < 0:
        raise ValueError(f"flags: a flag value must be a nonnegative integer, got {value}")
    # A small NumPy integer can't be combined with a bit that its dtype does not have.
    value = int(value)
    return [
        flag.bit_value if return_bit_values else flag.name
        for flag in meanings.all_flags
        if value & flag.bit_value
    ]


def _nested(items: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Return ``items``, one for each element of an array of ``shape``, nested as its axes are."""
    for axis in range(len(shape) - 1, 0, -1):
        size, count = shape[axis], int(np.prod(shape[:axis]))
        items = [items[at * size : (at + 1) * size] for at in range(count)]
    return items


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)

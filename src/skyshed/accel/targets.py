"""What of photutils and astropy skyshed stands in for."""

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

import skyshed
from skyshed.accel import objects
from skyshed.accel.calls import Declined
from skyshed.accel.stand_ins import class_for, function_for
from skyshed.arguments import is_a, is_nddata

__all__ = ["PACKAGES", "stand_ins"]

#: Packages that are replaced, when they have been imported as a whole.
PACKAGES = ("photutils.segmentation", "photutils.background", "astropy.convolution")
#: Public names of photutils that stay: abstract classes that programs derive from, flags, a kernel
#: that is made once, and the segments of photutils' own segmentation images.
STAY = frozenset(
    {
        "BackgroundBase", "BackgroundRMSBase", "SEGMENTATION_FLAGS", "Segment",
        "decode_segmentation_flags", "make_2dgaussian_kernel",
    }
)  # fmt: skip


def convolve(array: Any, kernel: Any, *args: Any, **kwargs: Any) -> Any:
    """Convolve an image; leave all else to astropy.

    Raises
    ------
    Declined
        If ``array`` is not an image.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.accel.targets import convolve
    >>> convolve(np.ones(9), np.ones(3))
    Traceback (most recent call last):
    ...
    skyshed.accel.calls.Declined: skyshed convolves images, array has 1 dimension(s)
    """
    dimensions = np.ndim(array.data if is_nddata(array) else array)
    if is_a(array, "astropy.convolution", "Kernel"):
        raise Declined("skyshed convolves images, array is a kernel")
    if dimensions != 2:
        raise Declined(f"skyshed convolves images, array has {dimensions} dimension(s)")
    return skyshed.convolve(array, kernel, *args, **kwargs)


def stand_ins(package: ModuleType) -> Iterator[tuple[Any, Any]]:
    """Yield the objects of a package that are replaced, each with what stands in its place."""
    if package.__name__ == "astropy.convolution":
        yield package.convolve, function_for("convolve", convolve, package.convolve)
        return
    for name in sorted(n for n in dir(package) if not n.startswith("_") and n not in STAY):
        theirs, ours = getattr(package, name), getattr(skyshed, name, None)
        if ours is None or inspect.ismodule(theirs):
            continue
        if isinstance(theirs, type):
            yield theirs, class_for(name, getattr(objects, name, ours), theirs)
        elif callable(theirs):
            yield theirs, function_for(name, ours, theirs)

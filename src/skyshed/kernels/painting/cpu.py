"""Runs of pixels on the CPU; see painting.cpp."""

from skyshed.kernels.native import Kernels

KERNELS = Kernels(__package__)


def fill_runs(image, origin, y, x, length, value):
    """Fill run by run; see the contract in `skyshed.kernels.painting`."""
    KERNELS.call("fill", y, x, length, len(y), value, *origin, *image.shape, image)
    return image


def copy_runs(image, origin, y, x, length, values):
    """Copy run by run; see the contract in `skyshed.kernels.painting`."""
    KERNELS.call("copy", y, x, length, len(y), values, *origin, *image.shape, image)
    return image

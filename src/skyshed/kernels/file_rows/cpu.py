"""The bytes of rows of a file on the CPU; see file_rows.cpp."""

from skyshed.kernels.native import Kernels

KERNELS = Kernels(__package__)


def read_rows(buffer, file, first, stride, length, at):
    """Read row by row; see the contract in `skyshed.kernels.file_rows`."""
    return KERNELS.call("read", file, first, stride, length, at, len(buffer), buffer)

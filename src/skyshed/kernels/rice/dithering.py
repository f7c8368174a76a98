"""The random numbers by which floats are dithered: the same for all images."""

import functools

import numpy as np

__all__ = ["RANDOMS", "random_numbers"]

#: How many there are, and seeds.
RANDOMS = 10000
#: The generator: Park and Miller, Communications of the ACM 31 (1988) 1192, as the FITS standard
#: 4.0 gives it in appendix I.
MULTIPLIER, MODULUS, LAST = 16807, 2147483647, 1043618065
#: A seed begins within the first numbers.
LATEST = 500


@functools.cache
def random_numbers() -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers, and where seeds begin.

    Returns
    -------
    random : array of float32, shape (10000,)
        Between 0 and 1.
    begins : array of int64, shape (20001,)
        A tile takes the numbers from where its seed says up to the last, then from where the next
        seed says, and so on: after how many numbers each seed of two rounds begins.
    """
    values = np.empty(RANDOMS, np.int64)
    value = 1
    for k in range(RANDOMS):
        value = value * MULTIPLIER % MODULUS
        values[k] = value
    if value != LAST:
        raise AssertionError(f"the last random number is {value}, not {LAST}")
    random = (values / MODULUS).astype(np.float32)
    first = (random * np.float32(LATEST)).astype(np.int64)
    begins = np.concatenate([[0], np.cumsum(np.tile(RANDOMS - first, 2))])
    for array in (random, begins):
        array.flags.writeable = False
    return random, begins

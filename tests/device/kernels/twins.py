"""Runs both twins of an operation on the same input."""

import dataclasses

import numpy as np

from skyshed.kernels import twin
from skyshed.sources import Sources


def to_device(cupy, value):
    """Return a value with its arrays on the device."""
    if isinstance(value, Sources):
        fields = {
            field.name: to_device(cupy, getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.name != "shape"
        }
        return Sources(**fields, shape=value.shape)
    if type(value) is tuple:
        return tuple(to_device(cupy, one) for one in value)
    return cupy.asarray(value) if isinstance(value, np.ndarray) else value


def to_host(cupy, value):
    """Return results with their arrays on the host."""
    if isinstance(value, tuple):
        return tuple(to_host(cupy, one) for one in value)
    return cupy.asnumpy(value) if isinstance(value, cupy.ndarray) else value


def both(cupy, contract, *args):
    """Return the results of the CUDA twin and of the CPU twin of an operation."""
    contract = contract.__wrapped__
    on_device = twin(contract, "cuda")(*(to_device(cupy, arg) for arg in args))
    return to_host(cupy, on_device), twin(contract, "cpu")(*args)


def identical(actual, expected):
    """Check arrays or tuples of arrays: values, dtypes and shapes."""
    if isinstance(expected, tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            identical(one, other)
    else:
        np.testing.assert_array_equal(actual, expected, strict=True)


def close_sums(actual, expected, magnitude):
    """Check sums to 1e-12 of the sums of their terms' absolute values; NaN in the same places."""
    assert actual.dtype == expected.dtype == np.float64
    assert actual.shape == expected.shape
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    known = ~np.isnan(expected)
    assert (np.abs(actual - expected)[known] <= 1e-12 * np.abs(magnitude)[known]).all()

"""The only place that knows about devices: one folder per operation.

A folder's ``__init__.py`` declares operations: a signature and a docstring that says shapes,
dtypes, units and what is exact, under the decorator `operation`. Its ``cpu.py`` holds the function
of the same name and arguments for NumPy arrays, which calls our C++; a ``cuda.py`` beside it is
the twin for CuPy arrays. Which one runs follows from the first argument. Kernels know images, masks
and `~skyshed.sources.Sources`; they know nothing of catalogs.
"""

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import array_api_compat

from skyshed.devices import check_one_device, on_device_of

__all__ = ["OPERATIONS", "operation", "twin"]

F = TypeVar("F", bound=Callable[..., Any])

#: Every declared operation, ``{"folder.function": contract}``; the contract tests run over it.
OPERATIONS: dict[str, Callable[..., Any]] = {}


def twin(contract: Callable[..., Any], device: str) -> Callable[..., Any]:
    """Return the function that does ``contract`` on ``device`` (``"cpu"`` or ``"cuda"``).

    Raises
    ------
    NotImplementedError
        If there is none; nothing is copied to the host behind the user's back.
    """
    name = f"{contract.__module__}.{device}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        module = None
    found = getattr(module, contract.__name__, None)
    if found is None:
        folder = contract.__module__.rpartition(".")[2]
        raise NotImplementedError(
            f"{folder}.{contract.__name__} has no {device.upper()} twin in this version of "
            "skyshed: copy the images to the host with cupy.asnumpy"
        )
    return found


def operation(contract: F) -> F:
    """Declare an operation: calls go to the twin that fits the first argument's arrays.

    The first argument is an array, or an object whose ``pixel`` attribute is one (`Sources`). The
    twin runs on the device of its arrays, which must be one.
    """
    folder = contract.__module__.rpartition(".")[2]
    OPERATIONS[f"{folder}.{contract.__name__}"] = contract

    @functools.wraps(contract)
    def call(first: Any, *args: Any, **kwargs: Any) -> Any:
        array = getattr(first, "pixel", first)
        if not array_api_compat.is_cupy_array(array):
            return twin(contract, "cpu")(first, *args, **kwargs)
        named = zip(_parameters(contract), (first, *args), strict=False)
        check_one_device(**dict(named), **kwargs)
        with on_device_of(array):
            return twin(contract, "cuda")(first, *args, **kwargs)

    return call  # type: ignore[return-value]


@functools.cache  # when a GPU is used: to ask for all of them took a hundredth of a command's time
def _parameters(contract: Callable[..., Any]) -> list[str]:
    """Return the names of a contract's parameters."""
    return list(inspect.signature(contract).parameters)

"""One call: skyshed first, the original where skyshed refuses."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from skyshed.accel.exchange import as_ours, as_theirs
from skyshed.accel.receipts import Receipt
from skyshed.devices import device_of
from skyshed.messages import one_line

__all__ = ["Declined", "call", "go_on"]

#: Whether a call is under way. What it calls in turn is not replaced: photutils' code keeps its
#: own functions, and skyshed may ask astropy for what it leaves to it.
_under_way: ContextVar[bool] = ContextVar("skyshed.accel under way", default=False)


class Declined(Exception):  # noqa: N818 - a message between functions, which no user sees
    """skyshed leaves a call to the original; the message says why."""


def call(
    receipt: Receipt,
    name: str,
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Call ``ours``, and ``theirs`` if that raises an error; note which it was.

    If both raise one, the caller is wrong and gets the original's. Where arrays are on a device,
    which the original can't read, skyshed's error stands.
    """
    if _under_way.get():
        return theirs(*args, **kwargs)
    token = _under_way.set(True)
    start = time.perf_counter()
    try:
        device = _device(args, kwargs)
        try:
            result = ours(*map(as_ours, args), **{k: as_ours(v) for k, v in kwargs.items()})
        except MemoryError:  # the original takes more
            raise
        except Exception as error:
            if device != "cpu":
                receipt.failed(name)
                raise
            refusal = error
        else:
            receipt.ran(name, device, time.perf_counter() - start)
            return result
        try:
            result = theirs(*map(as_theirs, args), **{k: as_theirs(v) for k, v in kwargs.items()})
        except Exception:
            receipt.failed(name)
            raise
        receipt.fell_back(name, _reason(refusal), time.perf_counter() - start)
        return result
    finally:
        _under_way.reset(token)


def go_on(
    receipt: Receipt,
    name: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Call a method of an object of skyshed; its time counts for the object's class."""
    if _under_way.get():
        return function(*args, **kwargs)
    token = _under_way.set(True)
    start = time.perf_counter()
    try:
        return function(*args, **kwargs)
    finally:
        _under_way.reset(token)
        receipt.went_on(name, time.perf_counter() - start)


def _reason(error: Exception) -> str:
    kind = "" if isinstance(error, Declined) else f"{type(error).__name__}: "
    return kind + one_line(error)


def _device(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return the name of the device of the first array that is on one, "cpu" if none is."""
    for value in (*args, *kwargs.values()):
        if hasattr(value, "__dlpack_device__") and (device := device_of(value)) is not None:
            return f"cuda:{device.id}"
    return "cpu"

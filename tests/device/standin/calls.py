"""Calling NumPy in CuPy's place: checked against the real signature, operands all on the device,
results on the device, and entered into the ledger at the table's price.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.device.standin import counts, pool, signatures
from tests.device.standin.arrays import checked_dtype, ndarray, new, view


@dataclass(frozen=True)
class Cost:
    """What a library call costs; a call that returns only views of its operands costs nothing.

    Parameters
    ----------
    launches : int
        Kernels.
    reads : float
        Bytes read, as a multiple of the operands' bytes.
    gathers : float
        Bytes read in addition, as a multiple of the results' bytes.
    writes : float
        Bytes written, as a multiple of the results' bytes.
    syncs : int
        How often the host waits, each time for a number of 8 bytes.
    scratch : float
        Temporary memory, as a multiple of the operands' bytes.
    passes : callable, optional
        From the operands (a list of NumPy arrays) and the arguments: how often all is read and
        written.
    """

    launches: int = 1
    reads: float = 1
    gathers: float = 0
    writes: float = 1
    syncs: int = 0
    scratch: float = 0
    passes: Callable[[list, tuple, dict], float] | None = None


def unwrap(argument: Any, operands: list[ndarray], name: str) -> Any:
    """Return an argument for NumPy: arrays of the device as the arrays inside them.

    Raises
    ------
    TypeError
        For a NumPy array, also in a list: CuPy takes none.
    """
    if type(argument) is ndarray:
        operands.append(argument)
        return argument._a
    if isinstance(argument, np.ndarray):
        raise TypeError(
            f"{name}: Unsupported type {type(argument)}: CuPy does not mix device and host arrays; "
            "cupy.asarray copies one to the device"
        )
    if type(argument) in (list, tuple):
        return type(argument)(unwrap(item, operands, name) for item in argument)
    if isinstance(argument, str | type(None) | slice):
        return argument
    if isinstance(argument, np.dtype | type) and argument not in (bool, int, float, complex):
        checked_dtype(argument)
    return argument


def wrap(result: Any, operands: list[ndarray]) -> Any:
    """Return NumPy's result as arrays of the device; views stay on their operand's memory."""
    if isinstance(result, np.ndarray):
        for operand in operands:
            if result is operand._held:
                return operand
        if result.base is not None:
            for operand in operands:
                if np.may_share_memory(result, operand._held):
                    return view(operand, result)
        return new(result)
    if isinstance(result, list | tuple):
        items = [wrap(item, operands) for item in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    if isinstance(result, bool | int | float | complex | np.generic):
        return new(result)
    return result


def arrays_of(result: Any) -> list[ndarray]:
    """Return the device arrays in a wrapped result."""
    if type(result) is ndarray:
        return [result]
    return (
        [a for item in result for a in arrays_of(item)] if isinstance(result, list | tuple) else []
    )


def charge(
    name: str, cost: Cost, operands: list[ndarray], results: list[ndarray], args=(), kwargs=None
) -> None:
    """Enter a call into the ledger."""
    buffers = {id(operand._buffer) for operand in operands}
    if results and all(id(result._buffer) in buffers for result in results):
        written_in_place = kwargs is not None and kwargs.get("out") is not None
        if not written_in_place:
            return
    entering = sum(_held(operand) for operand in operands)
    leaving = sum(result.nbytes for result in results)
    passes = cost.passes([o._held for o in operands], args, kwargs or {}) if cost.passes else 1
    if cost.scratch:
        counts.memory.pulse(pool.rounded(int(cost.scratch * entering)))
    read = cost.reads * entering * passes + cost.gathers * leaving
    counts.ran_library(name, cost.launches, read, cost.writes * leaving * passes)
    for _ in range(cost.syncs):
        counts.downloaded(name, 8)


def _held(array: ndarray) -> int:
    """Return the bytes behind an array: a broadcast one has fewer than elements."""
    return min(array.nbytes, array._buffer.nbytes)


class Function:
    """One of CuPy's functions.

    Parameters
    ----------
    name : str
        The real one, with its module: ``cupy.sum``.
    function : callable
        NumPy's, or an adapter that takes CuPy's arguments.
    cost : Cost
    arrays : int
        How many leading arguments must be arrays of the device, or lists of such.
    quiet : bool
        Whether CuPy says nothing where NumPy warns (all-NaN slices, means of nothing).
    """

    def __init__(self, name, function, cost, *, arrays=1, quiet=False):
        self.full_name, self.__name__ = name, name.rpartition(".")[2]
        self.__module__ = name.rpartition(".")[0]
        self.function, self.cost, self.arrays, self.quiet = function, cost, arrays, quiet

    def __repr__(self) -> str:
        return f"<stand-in for {self.full_name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        signatures.check(self.full_name, args, kwargs)
        return self.run(args, kwargs)

    def run(self, args: tuple, kwargs: dict) -> Any:
        """Do the work; the signature is known to fit."""
        for argument in args[: self.arrays]:
            self._require_device(argument)
        operands: list[ndarray] = []
        plain = [unwrap(argument, operands, self.full_name) for argument in args]
        named = {key: unwrap(value, operands, self.full_name) for key, value in kwargs.items()}
        with np.errstate(all="ignore"):
            if self.quiet:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    answer = self.function(*plain, **named)
            else:
                answer = self.function(*plain, **named)
        result = wrap(answer, operands)
        if counts.opened is not None or self.cost.scratch:
            charge(self.full_name, self.cost, operands, arrays_of(result), args, kwargs)
        return result

    def _require_device(self, argument: Any) -> None:
        if type(argument) is ndarray:
            return
        if isinstance(argument, list | tuple) and argument:
            for item in argument:
                self._require_device(item)
            return
        raise TypeError(
            f"{self.full_name} wants arrays of the device, got {type(argument).__name__}: "
            "CuPy does not convert"
        )


class HostFunction:
    """A function about dtypes and shapes: no device work, an answer on the host."""

    def __init__(self, name: str, function: Callable) -> None:
        self.full_name, self.__name__ = name, name.rpartition(".")[2]
        self.__module__ = name.rpartition(".")[0]
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        signatures.check(self.full_name, args, kwargs)
        plain = [argument._held if type(argument) is ndarray else argument for argument in args]
        return self.function(*plain, **kwargs)


class ufunc:  # noqa: N801 - CuPy's name
    """An elementwise function. CuPy resolves dtypes as NumPy does; its ufuncs have no ``where``."""

    ELEMENTWISE = Cost()

    def __init__(self, name: str) -> None:
        self.full_name, self.__name__, self.__module__ = f"cupy.{name}", name, "cupy"
        self.function = getattr(np, name)
        self.nin, self.nout = self.function.nin, self.function.nout

    def __repr__(self) -> str:
        return f"<ufunc 'cupy_{self.__name__}'>"

    def __getattr__(self, name: str) -> Any:
        if name in ("reduce", "accumulate", "reduceat", "outer", "at"):
            raise NotImplementedError(
                f"{self.full_name}.{name}: use cupy.sum, cupyx.scatter_add, ..."
            )
        raise AttributeError(f"{self.full_name} has no attribute {name!r}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        signatures.check(self.full_name, args, kwargs)
        inputs: list[ndarray] = []
        plain = [self._operand(argument, inputs) for argument in args[: self.nin]]
        outs = list(args[self.nin :])
        if (out := kwargs.get("out")) is not None:
            outs += out if isinstance(out, tuple) else (out,)
        if any(type(out) is not ndarray for out in outs):
            raise TypeError(f"{self.full_name}: out must be a device array")
        named = {key: value for key, value in kwargs.items() if key != "out"}
        if named.get("dtype") is not None:
            checked_dtype(named["dtype"])
        if outs:
            named["out"] = tuple(out._a for out in outs)
        with np.errstate(all="ignore"):
            result = wrap(self.function(*plain, **named), outs)
        if counts.opened is not None:
            read = sum(_held(operand) for operand in inputs)
            written = sum(array.nbytes for array in arrays_of(result))
            counts.ran_library(self.full_name, 1, read, written)
        return result

    def _operand(self, argument: Any, operands: list[ndarray]) -> Any:
        if type(argument) is ndarray:
            operands.append(argument)
            return argument._a
        if isinstance(argument, bool | int | float | complex | np.generic):
            return argument
        raise TypeError(
            f"{self.full_name}: Unsupported type {type(argument)}: CuPy's operands are device "
            "arrays and scalars; cupy.asarray copies a host array to the device"
        )


class Unlisted:
    """A name that CuPy has and the stand-in does not know the price and the meaning of."""

    REASONS = {  # noqa: RUF012 - a constant
        **dict.fromkeys(
            ("cupy.ElementwiseKernel", "cupy.ReductionKernel", "cupy.fuse", "cupyx.jit"),
            "it can be neither compiled nor run without a driver: write a kernel in a .cu file",
        ),
        **dict.fromkeys(
            ("cupy.RawModule", "cupy.RawKernel"),
            "CuPy compiles with options of its own (-ftz=true): launch by skyshed.kernels.cuda",
        ),
    }

    def __init__(self, name: str) -> None:
        self.full_name, self.__name__ = name, name.rpartition(".")[2]
        self.__module__ = name.rpartition(".")[0]

    def __repr__(self) -> str:
        return f"<{self.full_name}, not in the stand-in>"

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError(
            f"{self.full_name} is CuPy's, but refused here: "
            + self.REASONS.get(
                self.full_name, "check what it means and costs, then add it to standin/costs.py"
            )
        )

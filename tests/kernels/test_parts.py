"""Kernels within kernels: compiled once, inside what Python calls."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core import serialize
from numba.core.caching import NullCache

from skyshed.kernels.threads import jit


@jit
def halve(x):
    if x < 0:
        raise ValueError("a negative number", x)
    return 0.5 * x


@jit
def fill(out, start, value):
    for i in range(start, out.shape[0]):
        out[i] = halve(value)
    return out


@jit
def halves(values):
    out = np.empty(values.shape[0])
    for i in range(values.shape[0]):
        out[i] = halve(values[i])
    return out


@jit
def filled(n):
    return fill(fill(np.empty(n), 0, 2.0), 1, 6.0)


@pytest.fixture(autouse=True)
def anew():
    """Compile these kernels in every test: nothing is kept, and nothing is known yet."""
    for kernel in (halve, fill, halves, filled):
        kernel._cache = NullCache()
        kernel._reset_overloads()
        kernel.part.overloads.clear()


def machine_code(kernel):
    """The signatures that there is machine code for."""
    return [args for args, each in kernel.overloads.items() if each.entry_point is not None]


def test_a_kernel_within_another_gets_no_machine_code_of_its_own():
    assert halves(np.array([1.0, 3.0])).tolist() == [0.5, 1.5]
    assert len(machine_code(halves)) == 1
    assert len(halve.part.overloads) == 1
    assert not machine_code(halve)
    assert not machine_code(halve.part)


def test_the_same_kernel_can_be_called_by_python_and_by_kernels():
    assert halve(5.0) == 2.5
    assert halves(np.array([5.0])).tolist() == [2.5]
    assert halve(7.0) == 3.5
    assert len(machine_code(halve)) == 1


def test_constants_take_no_signature_each():
    assert filled(3).tolist() == [1.0, 3.0, 3.0]
    assert len(fill.part.overloads) == 1
    assert len(halve.part.overloads) == 1


def test_one_signature_for_each_dtype():
    for dtype in ("float32", "float64"):
        assert halves(np.array([1.0], dtype)).tolist() == [0.5]
    assert len(halve.part.overloads) == 2


def test_errors_of_a_kernel_within_another_reach_python():
    with pytest.raises(ValueError, match="a negative number") as caught:
        halves(np.array([1.0, -3.0]))
    assert caught.value.args == ("a negative number", -3.0)


RAISE = """
import json, sys
import numpy as np
from skyshed.kernels.compiled import counts
sys.path.insert(0, sys.argv[1])
from test_parts import halves
try:
    halves(np.array([-3.0]))
except ValueError as error:
    print(json.dumps([error.args, counts]))
"""


def test_so_do_those_of_a_kernel_that_was_kept_on_disk(tmp_path):
    command = [sys.executable, "-c", RAISE, str(Path(__file__).parent)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for found in ({"compiled": 1, "loaded": 0}, {"compiled": 0, "loaded": 1}):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == [["a negative number", -3.0], found]


def test_kernels_can_be_pickled():
    again = serialize.loads(serialize.dumps(halves))
    assert again(np.array([4.0])).tolist() == [2.0]

"""The stand-in for CuPy refuses what CuPy refuses, and leaves nothing behind when it goes."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.device import standin
from tests.device.standin import costs, harvest, signatures
from tests.device.standin import ndimage as standin_ndimage
from tests.device.standin.functions import FUNCTIONS


@pytest.fixture(scope="module")
def cp():
    with standin.in_place() as cupy:
        yield cupy


@pytest.fixture
def x(cp):
    return cp.asarray(np.arange(12.0).reshape(3, 4))


def allowed():
    names = [f"cupy.{name}" for name in FUNCTIONS]
    return names + [f"cupyx.scipy.ndimage.{name}" for name in standin_ndimage.FUNCTIONS]


def test_stored_signatures_are_those_of_the_installed_cupy():
    done = subprocess.run(
        [sys.executable, "-P", harvest.__file__], capture_output=True, text=True, check=False
    )
    if "No module named 'cu" in done.stderr:  # not installed: the stored ones stand alone
        assert signatures.stored()["versions"].keys() == {"cupy"}
    else:
        assert done.returncode == 0, done.stderr
        installed = json.loads(done.stdout)
        # Names that CuPy passes on from NumPy come and go with NumPy's version; those in use stay.
        used = ("cupy.ndarray.", "cupy.cuda.Function")
        names = allowed() + [n for n in signatures.stored()["signatures"] if n.startswith(used)]
        assert installed["versions"] == signatures.stored()["versions"]
        for name in names:
            assert installed["signatures"][name] == signatures.stored()["signatures"][name]


def test_everything_allowed_exists_in_cupy():
    assert [name for name in allowed() if name not in signatures.stored()["signatures"]] == []


def test_what_has_a_stored_meaning_exists():
    topics = {"indexing", "assignment", "label", "zoom", "scatter_add"}
    assert set(costs.MEANINGS) - topics <= set(FUNCTIONS)


REFUSED = {
    "operand from the host": (TypeError, "Unsupported type", lambda cp, x: x + np.ones(4)),
    "operand from the host, left": (TypeError, "Unsupported type", lambda cp, x: np.ones(4) + x),
    "host array of no dimensions": (TypeError, "Unsupported type", lambda cp, x: x + np.array(1.0)),
    "list as operand": (TypeError, "Unsupported type", lambda cp, x: cp.add(x, [1, 2, 3, 4])),
    "host array in a function": (TypeError, "does not convert", lambda cp, x: cp.sum(np.ones(3))),
    "host array in a list": (
        TypeError,
        "does not convert",
        lambda cp, x: cp.stack([x, np.ones(3)]),
    ),
    "host array beside": (TypeError, "does not mix", lambda cp, x: cp.where(x > 1, x, np.ones(4))),
    "scalar in place of an array": (TypeError, "wants arrays", lambda cp, x: cp.cumsum(3)),
    "asarray": (TypeError, "Implicit conversion", lambda cp, x: np.asarray(x)),
    "array of arrays": (TypeError, "Implicit conversion", lambda cp, x: np.array([x, x])),
    "NumPy's sum of a list": (TypeError, "Implicit conversion", lambda cp, x: np.sum([x])),
    "iteration": (TypeError, "iterating", lambda cp, x: list(x)),
    "unpacking": (TypeError, "iterating", lambda cp, x: [*x]),
    "in": (TypeError, "walk through", lambda cp, x: 3.0 in x),
    "hash": (TypeError, "unhashable", lambda cp, x: {x}),
    "index": (TypeError, "integer", lambda cp, x: [1, 2][cp.asarray(1)]),
    "slice by an array": (TypeError, "slice", lambda cp, x: x[: cp.asarray(1)]),
    "unknown attribute": (AttributeError, "not in CuPy's ndarray", lambda cp, x: x.byteswapped()),
    "NumPy's own attribute": (AttributeError, "not in CuPy's", lambda cp, x: x.setflags()),
    "writeable flag": (AttributeError, "writeable", lambda cp, x: x.flags.writeable),
    "ctypes": (AttributeError, "not in CuPy's", lambda cp, x: x.ctypes),
    "unknown function": (AttributeError, "no attribute 'block'", lambda cp, x: cp.block([[x]])),
    "unpriced function": (NotImplementedError, "costs.py", lambda cp, x: cp.einsum("ij->i", x)),
    "unpriced method": (NotImplementedError, "methods.py", lambda cp, x: x.partition(1)),
    "unpriced module": (NotImplementedError, "costs.py", lambda cp, x: cp.linalg.svd(x)),
    "keyword": (TypeError, "unexpected keyword", lambda cp, x: cp.sum(x, where=x > 1)),
    "keyword of a method": (TypeError, "unexpected keyword", lambda cp, x: x.sum(initial=0)),
    "keyword of a ufunc": (TypeError, "unexpected keyword", lambda cp, x: cp.sqrt(x, where=x > 1)),
    "too many": (TypeError, "too many positional", lambda cp, x: x.argsort(-1, None, None)),
    "too few": (TypeError, "missing a required", lambda cp, x: cp.searchsorted(x)),
    "mode of take": (TypeError, "unexpected keyword", lambda cp, x: x.take(3, mode="clip")),
    "NumPy's function without CuPy's": (TypeError, "no impl", lambda cp, x: np.block([[x]])),
    "NumPy's keyword": (TypeError, "unexpected keyword", lambda cp, x: np.mean(x, where=x > 1)),
    "ufunc method": (NotImplementedError, "reduce", lambda cp, x: cp.add.reduce(x)),
    "NumPy's ufunc method": (
        TypeError,
        "not supported|returned Not",
        lambda cp, x: np.add.reduce(x),
    ),
    "out on the host": (TypeError, "out must be", lambda cp, x: cp.sqrt(x, out=np.ones((3, 4)))),
    "object dtype": (TypeError, "no arrays of dtype", lambda cp, x: cp.empty(3, object)),
    "text": (TypeError, "no arrays of dtype", lambda cp, x: cp.asarray(["a"])),
    "extended precision": (TypeError, "no arrays", lambda cp, x: x.astype(np.longdouble)),
    "big endian": (TypeError, "no arrays", lambda cp, x: cp.asarray(np.ones(2, ">f4"))),
    "dates": (TypeError, "no arrays", lambda cp, x: cp.zeros(2, dtype="M8[s]")),
    "tuple of keys": (TypeError, "one array of keys", lambda cp, x: cp.lexsort((x[0], x[1]))),
    "quicksort": (ValueError, "stable", lambda cp, x: cp.sort(x, kind="quicksort")),
    "method of percentile": (
        ValueError,
        "hazen",
        lambda cp, x: cp.percentile(x, 5, method="hazen"),
    ),
    "counts as an array": (ValueError, "not an array", lambda cp, x: cp.repeat(x[0], cp.arange(4))),
    "sorting key of three axes": (NotImplementedError, "two", lambda cp, x: cp.lexsort(x[None])),
    "index out of range": (IndexError, "out of bounds", lambda cp, x: x[cp.asarray([5])]),
    "take out of range": (IndexError, "out of bounds", lambda cp, x: x.take(cp.asarray([99]))),
    "index from the host": (TypeError, "cupy.asarray", lambda cp, x: x[np.array([1])]),
    "truth as an index": (TypeError, "truth value", lambda cp, x: x[True]),
    "float index": (IndexError, "integers or masks", lambda cp, x: x[x[0]]),
    "value from the host": (TypeError, "Unsupported", lambda cp, x: x.__setitem__(0, np.ones(4))),
    "list as value": (TypeError, "Unsupported", lambda cp, x: x.__setitem__(0, [1, 2, 3, 4])),
    "conflicting values": (
        ValueError,
        "undefined on a device",
        lambda cp, x: x[0].__setitem__(cp.asarray([1, 1]), cp.asarray([1.0, 2.0])),
    ),
    "NaN to int": (ValueError, "undefined", lambda cp, x: (x / 0).astype(np.int32)),
    "too large for int": (ValueError, "undefined", lambda cp, x: (x + 3e9).astype(np.int32)),
    "float of many": (ValueError, "size 1", lambda cp, x: float(x)),
    "set of another dtype": (TypeError, "set", lambda cp, x: x.set(np.ones((3, 4), np.float32))),
    "get into another dtype": (TypeError, "get", lambda cp, x: x.get(out=np.ones(3))),
    "third device": (RuntimeError, "invalid device", lambda cp, x: cp.cuda.Device(2)),
    "elementwise kernel": (
        NotImplementedError,
        r"\.cu file",
        lambda cp, x: cp.ElementwiseKernel("T x", "T y", "y = x", "f"),
    ),
    "reduction kernel": (NotImplementedError, r"\.cu file", lambda cp, x: cp.ReductionKernel()),
    "raw module": (NotImplementedError, "ftz", lambda cp, x: cp.RawModule(code="")),
    "raw kernel": (NotImplementedError, "ftz", lambda cp, x: cp.RawKernel("", "f")),
    "fusion": (NotImplementedError, r"\.cu file", lambda cp, x: cp.fuse(lambda y: y)),
    "memory pointer": (NotImplementedError, "pointers", lambda cp, x: cp.ndarray(3, float, x.data)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cupy_refuses_is_refused(cp, x, what):
    error, message, action = REFUSED[what]
    with pytest.raises(error, match=message):
        action(cp, x)


def test_jit_is_no_module(cp):
    with pytest.raises(ImportError):
        import cupyx.jit  # noqa: F401


def test_new_memory_holds_nothing_useful(cp):
    assert np.isnan(cp.empty((2, 3)).get()).all()
    assert (cp.empty(3, np.int32).get() != 0).all()
    assert cp.empty_like(cp.zeros(3, np.bool_)).get().all()
    assert np.isnan(cp.ndarray((3,), np.float32).get()).all()


def test_scalars_are_operands_and_keep_the_arrays_dtype(cp):
    x = cp.ones(3, np.float32)
    assert (x + 1).dtype == (2.5 * x).dtype == (np.float32(2) * x).dtype == np.float32
    assert (np.float64(2) * x).dtype == np.float64
    assert (1 - x).get().tolist() == [0, 0, 0]


def test_a_reduction_stays_on_the_device(cp, x):
    for result in (x.sum(), cp.max(x), cp.count_nonzero(x), cp.array_equal(x, x), x[1, 2]):
        assert type(result) is cp.ndarray
        assert result.shape == ()


def test_copies_are_the_devices(cp, x):
    for other in (copy.copy(x), copy.deepcopy(x), x.copy(), cp.array(x)):
        other[0, 0] = -1
    assert x[0, 0].item() == 0
    assert cp.asarray(x) is x


LEAKS = """
import sys
import numpy as np
import array_api_compat
from tests.device import standin

host = np.ones(3)
assert not array_api_compat.is_cupy_array(host)
before = set(sys.modules)
with standin.in_place() as cupy:
    import cupy as again, cupyx.scipy.ndimage
    assert again is cupy and standin.install() is cupy and standin.installed()
    x = cupy.asarray(host)
    assert array_api_compat.array_namespace(x).__name__ == 'array_api_compat.cupy'
    import skyshed.kernels.cuda
    assert skyshed.kernels.cuda.cupy is cupy
    holder = sys.modules['skyshed.holder'] = type(sys)('skyshed.holder')
    holder.kernels = skyshed.kernels.cuda.Kernels('skyshed', 'none.cu')
    with standin.in_place():
        pass
    assert standin.installed()
assert not standin.installed()
left = [name for name in sys.modules if name.partition('.')[0] in ('cupy', 'cupyx')]
assert left == [], left
assert 'skyshed.kernels.cuda' not in sys.modules
assert 'skyshed.holder' not in sys.modules
assert 'array_api_compat.cupy' not in sys.modules
assert not array_api_compat.is_cupy_array(x)
import skyshed.kernels
assert not hasattr(skyshed.kernels, 'cuda')
real = type(sys)('cupy')
sys.modules['cupy'] = real
with standin.in_place() as cupy:
    assert sys.modules['cupy'] is cupy is not real
assert sys.modules['cupy'] is real
print('clean')
"""


def test_nothing_is_left_behind():
    done = subprocess.run(
        [sys.executable, "-c", LEAKS],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == "clean", done.stderr


def test_devices_and_streams(cp):
    assert cp.is_available()
    assert cp.cuda.is_available()
    assert cp.cuda.runtime.getDeviceCount() == 2
    with cp.cuda.Device(0), cp.cuda.Stream() as stream:
        assert cp.cuda.get_current_stream() is stream
        start, end = stream.record(), cp.cuda.Event()
        end.record()
        stream.wait_event(start)
        assert cp.cuda.get_elapsed_time(start, end) >= 0
    assert cp.cuda.get_current_stream() == cp.cuda.Stream.null
    assert cp.cuda.Stream.null.ptr == 0

"""Own kernels run on the emulator, take what CUDA takes, and count what they load and store."""

import numpy as np
import pytest

from skyshed.kernels import cubins
from tests.device import standin
from tests.device.emulator.build import LaunchError

HEADER = "typedef long long i64;\n"
SWEEPS = (
    HEADER
    + r"""
extern "C" __global__ void sweep(const REAL *x, REAL *y, i64 n, i64 m, int times) {
    for (int s = 0; s < times; ++s) {
        const i64 step = (i64)gridDim.x * blockDim.x;
        for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
            REAL v = x[i];
            if (v < 0) v = -v;
            if (i < m) y[i] = v;
        }
        __syncthreads();
    }
}
extern "C" __global__ void through_shared(const REAL *x, double *out, int *total) {
    __shared__ REAL seen[64];
    seen[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    double own[4] = {0, 0, 0, 0};
    for (int i = 0; i < 4; ++i) own[i] = seen[63 - threadIdx.x] + i;
    out[blockIdx.x * 64 + threadIdx.x] = own[threadIdx.x & 3];
    atomicAdd(total, 1);
}
extern "C" __global__ void maybe(const bool *mask, const REAL *x, REAL *y) {
    if (mask == nullptr || mask[threadIdx.x]) y[threadIdx.x] = x[threadIdx.x];
}
"""
)


@pytest.fixture(scope="module")
def cp():
    with standin.in_place() as cupy:
        yield cupy


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def compiled(cp, text, options):
    nvrtc = cp.cuda.nvrtc
    program = nvrtc.createProgram(text, "kernel.cu", (), ())
    nvrtc.compileProgram(program, options)
    return nvrtc.getCUBIN(program)


def loaded(cp, code):
    module = cp.cuda.Module()
    module.load(code)
    return module


def kernel(cp, name, real="float", text=SWEEPS):
    return loaded(cp, compiled(cp, text, cubins.options("sm_90", real))).get_function(name)


@pytest.mark.parametrize(("real", "dtype"), [("float", np.float32), ("double", np.float64)])
def test_own_kernels_count_each_load_and_store(cp, rng, real, dtype):
    n, m = 1000, 300
    host = rng.normal(size=n).astype(dtype)
    x, y = cp.asarray(host), cp.zeros(m, dtype)
    sweep = kernel(cp, "sweep", real)
    for times in (1, 100):
        with standin.ledger(count_bytes=True) as ledger, ledger.stage("sweeps") as section:
            sweep((2,), (64,), (x, y, np.int64(n), np.int64(m), np.int32(times)))
        size = np.dtype(dtype).itemsize
        assert section.own_launches == section.launches == 1
        assert section.own_loaded in (times * n * size, times * m * size)
        assert section.own_stored == times * m * size
        assert ledger.bytes_moved() == section.own_loaded + section.own_stored
    np.testing.assert_array_equal(y.get(), np.abs(host[:m]))


def test_shared_and_local_memory_do_not_count_and_atomics_count_once(cp):
    out, total = cp.zeros(256), cp.zeros(1, np.int32)
    for seed in range(3):
        with standin.ledger(count_bytes=True) as ledger, standin.schedule(seed=seed, preempt=0.2):
            kernel(cp, "through_shared")((4,), (64,), (cp.ones(64, np.float32), out, total))
        assert ledger.total.own_loaded == 256 * (4 + 4)
        assert ledger.total.own_stored == 256 * (8 + 4)
    assert total.item() == 3 * 256


def test_uncounted_bytes_are_no_zero(cp):
    with standin.ledger() as ledger:
        kernel(cp, "maybe")((1,), (8,), (None, cp.ones(8, np.float32), cp.zeros(8, np.float32)))
    assert ledger.total.own_launches == 1
    with pytest.raises(ValueError, match="count_bytes=True"):
        ledger.bytes_moved()


@pytest.mark.parametrize("null", [None, np.uintp(0)])
def test_a_null_pointer_is_none_or_zero(cp, null):
    y = cp.zeros(8, np.float32)
    kernel(cp, "maybe")((1,), (8,), (null, cp.ones(8, np.float32), y))
    assert y.get().all()
    mask = cp.arange(8) < 3
    y.fill(0)
    kernel(cp, "maybe")((1,), (8,), (mask, cp.ones(8, np.float32), y))
    assert y.get().sum() == 3


def launch(cp, *args, grid=(1,), block=(32,), **kwargs):
    kernel(cp, "sweep")(grid, block, args, **kwargs)


BAD_LAUNCHES = {
    "Python int": (LaunchError, "scalar, got int", {"n": 10}),
    "wrong scalar": (LaunchError, "int64 scalar, got int32", {"n": np.int32(10)}),
    "wrong array": (LaunchError, r"float32\*, got float64", {"dtype": np.float64}),
    "strided array": (LaunchError, "not contiguous", {"step": 2}),
    "list of args": (TypeError, "args must be a tuple", {"as_list": True}),
    "grid as an int": (TypeError, "grid must be a tuple", {"grid": 1}),
    "float block": (TypeError, "block must be a tuple of ints", {"block": (32.0,)}),
    "grid of y": (LaunchError, "65535", {"grid": (1, 70000)}),
    "huge block": (LaunchError, "no legal launch", {"block": (2048,)}),
    "shared memory": (LaunchError, "50000 of dynamic shared memory", {"shared_mem": 50000}),
    "unknown keyword": (TypeError, "unexpected keyword", {"streams": None}),
    "another stream": (TypeError, "unexpected keyword", {"stream": None}),
    "host array": (TypeError, "NumPy array", {"host": True}),
}


@pytest.mark.parametrize("what", BAD_LAUNCHES)
def test_a_wrong_launch_is_refused(cp, what):
    error, message, change = BAD_LAUNCHES[what]
    change = dict(change)
    x = cp.zeros(32, change.pop("dtype", np.float32))[:: change.pop("step", 1)]
    if change.pop("host", False):
        x = np.zeros(32, np.float32)
    n = change.pop("n", np.int64(10))
    args = (x, cp.zeros(32, np.float32), n, np.int64(10), np.int32(1))
    args = list(args) if change.pop("as_list", False) else args
    sizes = (change.pop("grid", (1,)), change.pop("block", (32,)))
    with pytest.raises(error, match=message):
        kernel(cp, "sweep")(*sizes, args, **change)


def test_a_wrong_module_is_refused(cp):
    driver, told = cp.cuda.driver.CUDADriverError, cubins.options("sm_90", "float")
    with pytest.raises(driver, match="not found"):
        kernel(cp, "swoop")
    with pytest.raises(driver, match="INVALID_IMAGE"):
        loaded(cp, b"\x7fELF and nothing else")
    with pytest.raises(TypeError, match="expected bytes"):
        loaded(cp, SWEEPS)
    with pytest.raises(ValueError, match="does not know the compiler options"):
        compiled(cp, SWEEPS, (*told, "--use_fast_math"))
    with pytest.raises(TypeError, match="tuple of str"):
        compiled(cp, SWEEPS, list(told))
    with pytest.raises(cp.cuda.nvrtc.NVRTCError, match="INVALID_OPTION"):
        compiled(cp, SWEEPS, cubins.options("sm_80", "float"))
    with pytest.raises(LaunchError, match="does not compile"):
        kernel(cp, "f", text='extern "C" __global__ void f(int *a) { a[0] = b; }')


@pytest.mark.parametrize("option", ["--fmad=false", "--ftz=false"])
def test_a_program_that_the_emulator_is_not_is_refused(cp, option):
    told = tuple(o for o in cubins.options("sm_90", "float") if o != option)
    with pytest.raises(ValueError, match=f"another program than the emulator without .*{option}"):
        compiled(cp, SWEEPS, told)


def test_what_ships_is_known_by_its_bytes(cp):
    program = cubins.Program("masks/masks.cu", "float")
    for store in cubins.stores_for((9, 0)):
        assert loaded(cp, store.code(program)).get_function("pack").name == "pack"
    with pytest.raises(cp.cuda.driver.CUDADriverError, match="NO_BINARY"):
        loaded(cp, cubins.store("sm_80").code(program))


RESOURCES = r"""
extern "C" __global__ void full(float *out) {
    __shared__ float seen[10000];
    seen[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = seen[9999 - threadIdx.x];
}
extern "C" __global__ void greedy(const double *x, double *out) {
    double kept[100];
    for (int i = 0; i < 100; ++i) kept[i] = x[i * 32 + threadIdx.x];
    double sum = 0;
    for (int i = 0; i < 100; ++i) {
        for (int j = 0; j < 100; ++j) sum += kept[i] * kept[j];
        out[i * 32 + threadIdx.x] = sum;
    }
}
"""


def test_static_and_dynamic_shared_memory_must_fit_together(cp):
    full, out = kernel(cp, "full", text=RESOURCES), cp.zeros(32, np.float32)
    full((1,), (32,), (out,), shared_mem=48 * 1024 - 40000)
    with pytest.raises(LaunchError, match="40000 bytes of static and 9160 of dynamic"):
        full((1,), (32,), (out,), shared_mem=48 * 1024 - 40000 + 8)


def test_registers_of_all_threads_must_fit(cp):
    greedy, x, out = kernel(cp, "greedy", text=RESOURCES), cp.zeros(10**5), cp.zeros(10**5)
    greedy((1,), (256,), (x, out))
    with pytest.raises(LaunchError, match="LAUNCH_OUT_OF_RESOURCES"):
        greedy((1,), (512,), (x, out))

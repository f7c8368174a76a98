"""Defects of every kind that machines without a GPU once could not see, planted in real kernels.

Each changes a kernel's text, the compiler's options, or how kernels are launched; the
stand-in or the emulator must notice it. The sound program beside each must pass.
"""

import contextlib

import numpy as np
import pytest

from skyshed.kernels import cubins, zoom
from skyshed.kernels import moments as moments_of
from tests.device import scenes
from tests.device.emulator import build
from tests.device.emulator.build import LaunchError, Module
from tests.device.kernels.fields import spline as drawn
from tests.device.kernels.twins import both, identical, to_device

#: In zoom.cu.
CLIPPED, MINIMUM = "zoom::within(total[y], low, high)", "min(max(total[y], low), high)"
LAST_BARRIER = "\n        __syncthreads();\n    }\n}"
EVERYWHERE = (-np.inf, np.inf)


def planted(monkeypatch, file, sound, defect):
    """Change a kernel file's text, and forget what was loaded of it."""
    original = cubins.text
    assert original(file).count(sound) >= 1

    def text(name):
        return original(name).replace(sound, defect) if name == file else original(name)

    monkeypatch.setattr(cubins, "text", text)
    anew(monkeypatch)


def anew(monkeypatch):
    """Let all kernels be loaded again, for the time of a test."""
    from skyshed.kernels import cuda

    find, seen = cuda.Kernels.function, set()

    def function(kernels, kernel, real):
        if kernels.file not in seen:
            seen.add(kernels.file)
            monkeypatch.setattr(kernels, "_modules", {})
            monkeypatch.setattr(kernels, "_functions", {})
        return find(kernels, kernel, real)

    monkeypatch.setattr(cuda.Kernels, "function", function)
    monkeypatch.setattr(cuda, "_warn_once", lambda architecture: None)


@contextlib.contextmanager
def noticed(error, message):
    with pytest.raises(error, match=message):
        yield


@pytest.fixture(scope="module")
def labelled():
    return scenes.Stages(3, np.float32, True)


def test_more_registers_than_a_multiprocessor_has(counted):
    from skyshed.kernels.cuda import Kernels

    kernels = Kernels("skyshed.kernels.apertures", "radius.cu")
    with noticed(LaunchError, r"search_small: 1024 threads of \d+ registers .*OUT_OF_RESOURCES"):
        kernels.launch("search_small", 1024, block=1024)


def test_more_shared_memory_than_a_block_has(counted, monkeypatch):
    """Neither the static nor the dynamic part is too large by itself."""
    mesh = drawn(3, boxes=(40, 6), box_size=(2, 45))
    identical(*both(counted, zoom.expand, *mesh, EVERYWHERE, np.dtype("f4"), None))
    more = "DYNAMIC_SHARED(i64, line);\n    __shared__ double spare[6130];\n    spare[0] = 0;"
    more += "\n    if (strip == nullptr) out[0] = spare[ny];"
    planted(monkeypatch, "zoom/zoom.cu", "DYNAMIC_SHARED(i64, line);", more)
    with noticed(LaunchError, "49040 bytes of static and 1024 of dynamic shared memory exceed"):
        both(counted, zoom.expand, *mesh, EVERYWHERE, np.dtype("f4"), None)


def test_work_on_a_stream_of_its_own(counted, monkeypatch, labelled):
    """Nobody waits for it, and it waits for nobody."""
    from skyshed.kernels import cuda

    launch, image = cuda.Kernels.launch, counted.asarray(labelled.image)
    sources = to_device(counted, labelled.segm.sources)
    moments_of.moments(sources, image, None, None)

    def on_another(*args, **kwargs):
        with counted.cuda.Stream(non_blocking=True):
            launch(*args, **kwargs)

    monkeypatch.setattr(cuda.Kernels, "launch", on_another)
    with noticed(RuntimeError, "which does not wait for it"):
        moments_of.moments(sources, image, None, None)


def test_work_on_another_device(counted, monkeypatch, labelled):
    """Where the operation does not go to the device of its arrays."""
    import skyshed.kernels

    with counted.cuda.Device(1):
        image = counted.asarray(labelled.image)
        sources = to_device(counted, labelled.segm.sources)
    moments_of.moments(sources, image, None, None)
    monkeypatch.setattr(skyshed.kernels, "on_device_of", lambda array: contextlib.nullcontext())
    with noticed((LaunchError, ValueError), "device 1|device = 1"):
        moments_of.moments(sources, image, None, None)


def test_a_pixel_index_of_32_bits(tmp_path):
    """On an image of more pixels than an int counts, of which hardly any exists on disk."""
    shape, y, x = (40_000, 60_000), 39_990, 777
    image = np.memmap(tmp_path / "image", np.float32, "w+", shape=shape)
    image[y, x : x + 3] = 1, 2, 4
    pixel = np.arange(3) + y * shape[1] + x
    assert pixel[0] > 2**31
    bbox, start, chunks = np.array([y, y + 1, x, x + 3]), np.array([0, 3]), np.array([0, 1])
    text = cubins.text("moments/moments.cu")

    def run(text):
        sums = np.zeros((1, 4, 4))
        Module(text, options=("-DREAL=float",)).launch(
            "moments_of_chunks", (1,), (32,),
            (pixel, start, chunks, np.int64(1), bbox, np.int64(shape[1]), image, None, None, sums),
        )  # fmt: skip
        return sums[0]

    assert run(text)[0].tolist() == [7, 10, 18, 34]
    defect = text.replace("const i64 p = pixel[j];", "const i64 p = (int)pixel[j];")
    assert defect != text
    with noticed(LaunchError, r"moments_of_chunks.* does not fit in 32 bits"):
        run(defect)


def test_a_minimum_that_takes_no_number_for_one(counted, monkeypatch):
    """CUDA's min and max give the other argument."""
    coefficients, index, weight = drawn(3)
    coefficients[2, 2] = np.nan
    mesh, limits = (coefficients, index, weight), (-0.3, 0.4)
    result, expected = both(counted, zoom.expand, *mesh, limits, np.dtype("f4"), None)
    assert np.isnan(expected).any()
    identical(result, expected)
    planted(monkeypatch, "zoom/zoom.cu", CLIPPED, MINIMUM)
    result, _ = both(counted, zoom.expand, *mesh, limits, np.dtype("f4"), None)
    assert not np.isnan(result).any()


@pytest.mark.parametrize(
    "options",
    [("--fmad=true",), ("--ftz=true",), ("--use_fast_math",), ("--prec-div=false",)],
    ids=str,
)
def test_options_of_another_program(counted, monkeypatch, labelled, options):
    """What ships was not compiled with them, and the stand-in's compiler does not take them."""
    kept = [option for option in cubins.OPTIONS if option.split("=")[0] != options[0].split("=")[0]]
    monkeypatch.setattr(cubins, "OPTIONS", (*kept, *options))
    cubins.store.cache_clear()
    anew(monkeypatch)
    sources = to_device(counted, labelled.segm.sources)
    try:
        with noticed(ValueError, "compiler options|another program than the emulator"):
            moments_of.moments(sources, counted.asarray(labelled.image), None, None)
    finally:
        cubins.store.cache_clear()


def test_a_barrier_missing_at_the_end_of_a_loop(counted, monkeypatch):
    """Threads that are ahead overwrite what others have still to read."""
    from skyshed.kernels import cuda

    monkeypatch.setattr(cuda, "MAX_BLOCKS", 1)
    mesh = drawn(3)
    identical(*both(counted, zoom.expand, *mesh, EVERYWHERE, np.dtype("f4"), None))
    planted(monkeypatch, "zoom/zoom.cu", LAST_BARRIER, "\n    }\n}")
    result, expected = both(counted, zoom.expand, *mesh, EVERYWHERE, np.dtype("f4"), None)
    assert not np.array_equal(result, expected)


def test_a_loop_without_end(counted, monkeypatch, labelled):
    monkeypatch.setattr(build, "WATCHDOG", 1.0)
    sources = to_device(counted, labelled.segm.sources)
    image = counted.asarray(labelled.image)
    moments_of.moments(sources, image, None, None)
    planted(monkeypatch, "moments/moments.cu", "high = min(high, low + step);", "")
    with noticed(LaunchError, "moments_of_chunks: no end after 1 s, a thread loops for ever"):
        moments_of.moments(sources, image, None, None)

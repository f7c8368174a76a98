"""Defects of every kind that machines without a GPU once could not see, planted in real kernels.

Each changes a kernel's text, the compiler's options, or how kernels are launched; the
stand-in or the emulator must notice it. The sound program beside each must pass.
"""

import contextlib

import numpy as np
import pytest

from skyshed.kernels import cubins, zoom
from skyshed.kernels import moments as moments_of
from tests.device import kernel_files, scenes, standin
from tests.device.emulator import build
from tests.device.emulator.build import LaunchError, Module
from tests.device.kernels.fields import spline as drawn
from tests.device.kernels.twins import both, identical, to_device
from tests.device.planted_texts import DEFECTS
from tests.device.planting import (
    anew,
    narrowed,
    noticed,
    planted,
    resources_of_the_sound_text,
    same,
)
from tests.device.standin import counts

#: In zoom.cu.
CLIPPED, MINIMUM = "zoom::within(total[y], low, high)", "min(max(total[y], low), high)"
LAST_BARRIER = "\n        __syncthreads();\n    }\n}"
EVERYWHERE = (-np.inf, np.inf)


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


#: Seeds and preemption: of a race it is enough that one of them shows it.
SCHEDULES = [(0, 0.0), (1, 0.3), (2, 0.5), (3, 0.9)]


@pytest.fixture(scope="module")
def sound(counted):
    """Check once that each of the programs is right before a defect is planted."""
    for run in dict.fromkeys(defect.run for defect in DEFECTS):
        assert same(*run(counted)), run.__name__
    return counted


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.kind)
def test_a_defect_in_a_kernels_text_is_noticed(sound, monkeypatch, defect):
    from skyshed.kernels import cuda

    resources_of_the_sound_text(monkeypatch)
    monkeypatch.setattr(build, "WATCHDOG", 1.0 if "end" in (defect.message or "") else 60.0)
    planted(monkeypatch, defect.file, defect.sound, defect.defect)
    if defect.max_blocks:
        monkeypatch.setattr(cuda, "MAX_BLOCKS", defect.max_blocks)
    if defect.message:
        with noticed(LaunchError, defect.message):
            defect.run(sound)
        return
    for schedule in SCHEDULES:
        with standin.schedule(*schedule):
            if not same(*defect.run(sound)):
                return
    pytest.fail(f"nothing notices {defect.kind}")


@pytest.mark.parametrize("path", kernel_files.files(), ids=kernel_files.name)
def test_no_kernel_makes_a_pixel_index_smaller_unseen(path):
    """Written as casts they are asserted by the emulator; this one's value is below PARTS."""
    known = {"apertures/radius.cu": ["int row = w % PARTS"]}
    lines = [_line_of(found) for found in narrowed(kernel_files.source(path))]
    allowed = known.get(kernel_files.name(path), [])
    assert [line for line in lines if not any(one in line for one in allowed)] == []


def _line_of(found):
    """Return the text of ``file:line``."""
    file, _, line = found.rpartition(":")
    return (kernel_files.FOLDER / file).read_text().splitlines()[int(line) - 1] if file else found


@pytest.mark.parametrize(
    "defect",
    [
        "const int p = pixel[j];",
        "const unsigned p = pixel[j];",
        "int p; p = pixel[j];",
        "const i64 p = static_cast<int>(pixel[j]);",
        "const i64 p = [](int at) { return at; }(pixel[j]);",
    ],
)
def test_a_pixel_index_that_is_made_smaller_without_a_cast(defect):
    text = cubins.text("moments/moments.cu")
    assert narrowed(text) == []
    assert narrowed(text.replace("const i64 p = pixel[j];", defect)) != []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arg: np.int32(arg) if isinstance(arg, np.int64) else arg, "wants a int64 scalar"),
        (lambda arg: int(arg) if isinstance(arg, np.int64) else arg, "wants a int64 scalar"),
        (lambda arg: arg.astype(np.float64) if _is(arg, "f4") else arg, r"wants float32\*"),
        (lambda arg: arg.get() if _is(arg, "f4") else arg, "NumPy array"),
        (lambda arg: arg.reshape(-1)[::2] if _is(arg, "f4") else arg, "not contiguous"),
    ],
    ids=["narrow", "Python's int", "dtype", "host", "strided"],
)
def test_arguments_that_a_kernel_would_read_as_garbage(
    counted, monkeypatch, labelled, change, message
):
    from skyshed.kernels import cuda

    launch = cuda.Kernels.launch

    def changed(kernels, kernel, threads, *args, **kwargs):
        launch(kernels, kernel, threads, *(change(arg) for arg in args), **kwargs)

    sources = to_device(counted, labelled.segm.sources)
    image = counted.asarray(labelled.image)
    moments_of.moments(sources, image, None, None)
    monkeypatch.setattr(cuda.Kernels, "launch", changed)
    with noticed((LaunchError, TypeError), message):
        moments_of.moments(sources, image, None, None)


def _is(arg, dtype):
    return getattr(arg, "ndim", 0) == 2 and arg.dtype == dtype


@pytest.mark.parametrize(
    ("spoil", "limit"),
    [
        (lambda cupy, image: cupy.asarray(image.get()), "transfer"),
        (lambda cupy, image: [float(image[0, i]) for i in range(9)], "synchronisations"),
        (lambda cupy, image: [image + i for i in range(9)], "launches"),
        (lambda cupy, image: image.astype(np.float64) * 2, "peak"),
    ],
    ids=["a copy to the host", "waits in a loop", "launches in a loop", "a larger copy"],
)
def test_costs_that_nobody_sees_in_the_result(counted, labelled, spoil, limit):
    image = counted.asarray(labelled.image)
    sources = to_device(counted, labelled.segm.sources)
    sources.host  # noqa: B018 - kept, so that both runs find it

    def cost(spoil):
        before = counts.memory.current
        with standin.ledger() as ledger:
            spoil(counted, image)
            moments_of.moments(sources, image, None, None)
        ledger.total.peak -= before
        return ledger

    sound = cost(lambda cupy, image: None)
    cost(lambda cupy, image: None)
    within = {name: getattr(sound.total, name) for name in ("synchronisations", "launches", "peak")}
    assert sound.total.synchronisations == 0
    cost(lambda cupy, image: None).at_most(**within)
    found = cost(spoil)
    with noticed(AssertionError, limit):
        if limit == "transfer":
            found.no_transfer_larger_than(image.size)
        else:
            found.at_most(**{limit: within[limit]})


@pytest.mark.parametrize(
    ("sound", "defect", "grows"),
    [
        # One lane does all.
        (
            "i64 j = chunk.begin + lane_of_thread(); j < chunk.end; j += 32",
            "i64 j = lane_of_thread() ? chunk.end : chunk.begin; j < chunk.end; ++j",
            "steps",
        ),
        (
            "moments::counted(image[p])",
            "moments::counted(*(const volatile REAL *)(image + p) + 0 * image[p])",
            "bytes",
        ),
        ("for (int k = 0; k < 16; ++k) {", "for (int k = 0; k < 16; k += 1 - (n < 0)) {", None),
    ],
    ids=["idle lanes", "read twice", "sound"],
)
def test_work_that_nobody_sees_in_the_result(counted, monkeypatch, labelled, sound, defect, grows):
    """Lanes that wait for others, and what is read again, are in the ledger."""
    image = counted.asarray(labelled.image)
    sources = to_device(counted, labelled.segm.sources)

    def work():
        with standin.ledger(count_bytes=True) as ledger:
            moments_of.moments(sources, image, None, None)
        return {
            "steps": sum(launch.work["warps"][0] for launch in ledger.launches),
            "bytes": ledger.bytes_moved(),
        }

    before = work()
    resources_of_the_sound_text(monkeypatch)
    planted(monkeypatch, "moments/moments.cu", sound, defect)
    after = work()
    larger = {name for name in before if after[name] > 1.05 * before[name]}
    assert larger == ({grows} if grows else set())

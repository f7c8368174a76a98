"""Ctrl-C is heard while kernels work on one huge thing: whatever takes long looks at a flag."""

import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from skyshed import sep
from skyshed.background import Background2D
from skyshed.catalog import SourceCatalog
from skyshed.convolution import convolve
from skyshed.images import open_image
from skyshed.kernels import annuli, deblending, native
from skyshed.kernels.deblending import cpu
from skyshed.kernels.nearest import nearest_labels
from skyshed.segmentation import SegmentationImage
from skyshed.sources import Sources

#: A source that fills the image has more pixels than `skyshed.kernels.threads.LONG`.
SIDE = 2400
#: What a kernel may take without a flag, and after it is set: of its thread's own time, whatever
#: else the machine does.
PATIENCE = 0.5
#: A thread's own time, too, is longer where its core is shared, and the thread that sets a flag
#: may get its turn late: what is in doubt is done again, so many times at most.
TURNS = 5
#: Kernels that take less of a source of 5.8 million pixels are not stopped half way here: the
#: thread that would set the flag may not get its turn before they end.
LEAST = 0.3
#: Kernels that take less had next to nothing to do, and may look at nothing.
SOME = 0.002


@dataclass
class Call:
    """The longest call of a kernel: what it took, how it is called again, and its flag."""

    seconds: float
    again: Callable[[], int]
    flag: Any


@pytest.fixture(scope="module")
def longest():
    """Give the longest call of each kernel in `workloads`; of several turns, the shortest."""
    calls = longest_of_a_turn()
    for _ in range(TURNS - 1):
        if not deaf(calls):
            break
        for key, call in longest_of_a_turn().items():
            calls[key] = min(calls[key], call, key=lambda it: it.seconds)
    return calls


def deaf(calls):
    """Return the kernels that take long and look at no flag."""
    return {
        key: call.seconds
        for key, call in calls.items()
        if call.flag is None and call.seconds > PATIENCE
    }


def longest_of_a_turn():
    calls: dict[str, Call] = {}
    bind = native.Kernels.bind

    def noted(self, name, *args):
        kernel, key = bind(self, name, *args), f"{self.folder}.{name}"
        flags = [
            each for each in args
            if isinstance(each, np.ndarray) and each.dtype == np.int32 and each.shape == (1,)
        ]  # fmt: skip

        def bound(*rest):
            before = time.thread_time()
            found = kernel(*rest)
            took = time.thread_time() - before
            if key not in calls or took > calls[key].seconds:
                calls[key] = Call(took, lambda: kernel(*rest), flags[-1] if flags else None)
            return found

        bound.arrays = args
        return bound

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(native.Kernels, "bind", noted)
        workloads()
    return calls


def workloads():
    """Let kernels work on a source, a box, an annulus, a tile that is as large as the image."""
    rng = np.random.default_rng(6)
    y, x = np.mgrid[:SIDE, :SIDE]
    data = 100 * np.exp(-((x - SIDE / 2) ** 2 + (y - SIDE / 2) ** 2) / 2 / (SIDE / 6) ** 2)
    data += rng.uniform(0, 1, data.shape)
    labels = SegmentationImage(np.ones(data.shape, np.int32))
    catalog = SourceCatalog(data, labels, error=np.sqrt(data), n_threads=1)
    for name in (
        "gini", "perimeter", "xcentroid", "xcentroid_err", "max_value", "segment_flux",
        "segment_fluxerr", "asymmetry",
    ):  # fmt: skip
        getattr(catalog, name)
    catalog.circular_photometry(SIDE / 2)
    of_apertures(x, y)
    sources = Sources.from_labels(np.ones(data.shape, np.int32))
    values, low, high, _ = deblending.survey(data, sources, 8, 1)
    levels = np.linspace(low[0], high[0], 34)[None, 1:-1].copy()
    deblending.deblend(values, sources, np.arange(1), levels, 5, 0.001, 8, False, -1, 1)
    Background2D(data, data.shape, exclude_percentile=100, n_threads=1)
    annuli.gather(data, None, np.array([[SIDE / 2, SIDE / 2]]), (10.0, SIDE / 2), SIDE**2, 1)
    nearest_labels(np.pad(np.ones((1, 1), np.int32), ((0, 7), (0, 19_999))), 20_000, 8, 1)
    convolve(data[:600, :600], rng.uniform(-1, 1, (101, 101)), n_threads=1)
    of_sep(data.astype(np.float32))


def of_apertures(x, y):
    """Measure in apertures of millions of pixels; larger ones than the image are left out."""
    data = 100 * np.exp(-((x - SIDE / 2) ** 2 + (y - SIDE / 2) ** 2) / 2 / (SIDE / 16) ** 2)
    data += np.random.default_rng(7).uniform(0, 1, data.shape)
    labels = (np.abs(x - SIDE / 2) < SIDE / 5) & (np.abs(y - SIDE / 2) < SIDE / 5)
    catalog = SourceCatalog(
        data, SegmentationImage(labels.astype(np.int32)), error=np.sqrt(data + 1),
        localbkg_width=SIDE // 6, n_threads=1,
    )  # fmt: skip
    for name in ("local_background", "kron_flux", "xcentroid_win", "petrosian_radius"):
        assert np.isfinite(getattr(catalog, name)).all(), name
    assert np.isfinite(catalog.fluxfrac_radius(0.5)).all()


def of_sep(data):
    sep.extract(data, 0.5)
    centre = np.array([SIDE / 2.0])
    wide = centre / 4
    sep.kron_radius(data, centre, centre, wide, wide, centre * 0, 6.0)
    sep.flux_radius(data, centre, centre, 4 * wide, 0.5)
    sep.winpos(data, centre, centre, wide)


@pytest.mark.timed
def test_what_takes_long_has_a_flag(longest):
    assert len(longest) > 20
    assert deaf(longest) == {}
    heard = {key for key, call in longest.items() if call.flag is not None}
    assert heard >= {
        "annuli.gather", "apertures.aperture_sums", "apertures.kron_sums",
        "apertures.local_background",
        "apertures.radius_of_flux", "boxes.measure", "centroids.covariance", "centroids.windowed",
        "convolution.convolve", "deblending.deblend", "deblending.survey", "isophotal.asymmetry",
        "isophotal.gini", "isophotal.perimeter", "isophotal.summarize", "isophotal.total",
        "moments.measure", "nearest.rows", "sep.detect", "sep.flux_radii", "sep.kron",
        "sep.windowed",
    }  # fmt: skip


def test_a_flag_that_is_set_is_seen(longest):
    for key, call in longest.items():
        if call.flag is None or call.seconds < SOME:
            continue
        call.flag[0] = 1
        assert call.again() == cpu.STOPPED, key
        call.flag[0] = 0


@pytest.mark.timed
def test_what_takes_long_ends_when_its_flag_is_set_half_way(longest):
    assert any(call.seconds > LEAST for call in longest.values())
    for key, call in longest.items():
        if call.flag is None or call.seconds < LEAST:
            continue
        seen = []
        # A second call may be faster, and end before half of the time of the first.
        for turn in range(TURNS):
            seen.append(stopped_after(call, call.seconds / 2 ** (turn + 1)))
            if seen[-1][1] == cpu.STOPPED and seen[-1][0] < PATIENCE:
                break
        else:
            raise AssertionError(f"{key} of {call.seconds} s: {seen}")


def stopped_after(call, seconds):
    """Return what a kernel takes after its flag is set, so many seconds on, and what it returns."""
    begun, asked_for = threading.Event(), threading.Event()
    clock: list[int] = []
    ended: list[tuple[float, int]] = []

    def work():
        clock.append(time.pthread_getcpuclockid(threading.get_ident()))
        begun.set()
        found = call.again()
        ended.append((time.thread_time(), found))
        asked_for.wait()  # a thread that is gone has no clock

    call.flag[0] = 0
    worker = threading.Thread(target=work)
    worker.start()
    begun.wait()
    while time.clock_gettime(clock[0]) < seconds and not ended:
        time.sleep(0.001)
    call.flag[0] = 1
    spent = time.clock_gettime(clock[0])  # not before: this thread may wait for its turn
    asked_for.set()
    worker.join()
    call.flag[0] = 0
    return ended[0][0] - spent, ended[0][1]


def test_a_tile_of_hcompress_that_is_a_whole_image_is_followed_with_a_flag(tmp_path, monkeypatch):
    image = np.random.default_rng(2).integers(0, 1000, (SIDE, SIDE)).astype(np.int16)
    tile = fits.CompImageHDU(image, compression_type="HCOMPRESS_1", tile_shape=image.shape)
    tile.writeto(tmp_path / "tile.fits")
    bind, flags = native.Kernels.bind, []

    def noted(self, name, *args):
        if name == "check_tiles":
            args[-1][0] = 1  # as if the signal had come
            flags.append(args[-1])
            kernel = bind(self, name, *args)

            def bound(*rest):
                assert kernel(*rest) == cpu.STOPPED
                args[-1][0] = 0
                return kernel(*rest)

            return bound
        return bind(self, name, *args)

    monkeypatch.setattr(native.Kernels, "bind", noted)
    opened = open_image(tmp_path / "tile.fits").image
    assert np.array_equal(opened.read(opened.everything), image)
    assert len(flags) >= 1

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
from skyshed.segmentation import SegmentationImage
from skyshed.sources import Sources

#: A source that fills the image has more pixels than `skyshed.kernels.threads.LONG`.
SIDE = 2400
#: What a kernel may take without a flag, and after it is set: of its thread's own time, whatever
#: else the machine does.
PATIENCE = 0.5
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
    """Give the longest call of each kernel in `workloads`."""
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
    catalog = SourceCatalog(data, labels, error=np.sqrt(data), localbkg_width=20, n_threads=1)
    for name in (
        "kron_flux", "gini", "perimeter", "xcentroid", "xcentroid_win", "xcentroid_err",
        "max_value", "segment_flux", "segment_fluxerr", "local_background", "fwhm",
        "petrosian_radius",
    ):  # fmt: skip
        getattr(catalog, name)
    catalog.fluxfrac_radius(0.5)
    catalog.circular_photometry(SIDE / 2)
    sources = Sources.from_labels(np.ones(data.shape, np.int32))
    values, low, high, _ = deblending.survey(data, sources, 8, 1)
    levels = np.linspace(low[0], high[0], 34)[None, 1:-1].copy()
    deblending.deblend(values, sources, np.arange(1), levels, 5, 0.001, 8, False, -1, 1)
    Background2D(data, data.shape, exclude_percentile=100, n_threads=1)
    annuli.gather(data, None, np.array([[SIDE / 2, SIDE / 2]]), (10.0, SIDE / 2), SIDE**2, 1)
    convolve(data[:600, :600], rng.uniform(-1, 1, (101, 101)), n_threads=1)
    of_sep(data.astype(np.float32))


def of_sep(data):
    sep.extract(data, 0.5)
    centre = np.array([SIDE / 2.0])
    wide = centre / 4
    sep.kron_radius(data, centre, centre, wide, wide, centre * 0, 6.0)
    sep.flux_radius(data, centre, centre, 4 * wide, 0.5)
    sep.winpos(data, centre, centre, wide)


def test_what_takes_long_has_a_flag(longest):
    assert len(longest) > 20
    deaf = {key: call.seconds for key, call in longest.items() if call.flag is None}
    assert {key: took for key, took in deaf.items() if took > PATIENCE} == {}
    heard = {key for key, call in longest.items() if call.flag is not None}
    assert heard >= {
        "annuli.gather", "apertures.aperture_sums", "apertures.kron_sums",
        "apertures.radius_of_flux", "boxes.measure", "centroids.covariance", "centroids.windowed",
        "convolution.convolve", "deblending.deblend", "deblending.survey", "isophotal.gini",
        "isophotal.perimeter", "isophotal.summarize", "isophotal.total", "moments.measure",
        "sep.detect", "sep.flux_radii", "sep.kron", "sep.windowed",
    }  # fmt: skip


def test_a_flag_that_is_set_is_seen(longest):
    for key, call in longest.items():
        if call.flag is None or call.seconds < SOME:
            continue
        call.flag[0] = 1
        assert call.again() == cpu.STOPPED, key
        call.flag[0] = 0


def test_what_takes_long_ends_when_its_flag_is_set_half_way(longest):
    assert any(call.seconds > LEAST for call in longest.values())
    for key, call in longest.items():
        if call.flag is None or call.seconds < LEAST:
            continue
        left, found = stopped_half_way(call)
        assert found == cpu.STOPPED, key
        assert left < PATIENCE, key


def stopped_half_way(call):
    """Return what a kernel takes after its flag is set when half is done, and what it returns."""
    begun, ended, found = threading.Event(), [], []

    def work():
        at.append(time.pthread_getcpuclockid(threading.get_ident()))
        begun.set()
        found.append(call.again())
        ended.append(time.thread_time())

    at: list[int] = []
    call.flag[0] = 0
    worker = threading.Thread(target=work)
    worker.start()
    begun.wait()
    spent = 0.0
    while not found:
        spent = time.clock_gettime(at[0]) if worker.is_alive() and not ended else spent
        if spent > call.seconds / 2:
            call.flag[0] = 1
            break
        time.sleep(0.001)
    worker.join()
    call.flag[0] = 0
    return ended[0] - spent, found[0]


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

"""Files are decoded by as many threads as compute."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

import skyshed
from skyshed.images import fits as images_fits
from skyshed.images import open_exposure
from skyshed.images.reading import reading_threads, reading_with
from skyshed.kernels import threads
from tests.images.files import stars


def in_a_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_where_nothing_is_said_only_the_main_thread_takes_all_cores():
    assert reading_threads() is None
    assert in_a_thread(reading_threads) == 1
    with reading_with(3):
        assert reading_threads() == 3
        with reading_with(None):
            assert reading_threads() is None
        assert in_a_thread(reading_threads) == 1  # it is for its own thread
    assert reading_threads() is None


@pytest.fixture
def asked(monkeypatch):
    """The numbers of threads that work was given to."""
    found = []
    plain = threads.resolve_n_threads

    def resolve(n_threads):
        found.append(n_threads)
        return plain(n_threads)

    monkeypatch.setattr(threads, "resolve_n_threads", resolve)
    return found


@pytest.mark.parametrize("compressed", [False, True])
def test_an_exposure_is_read_by_its_threads(tmp_path, asked, compressed):
    image = np.random.default_rng(1).integers(0, 1000, (300, 900)).astype("i2")
    hdu = (fits.CompImageHDU if compressed else fits.ImageHDU)(image, fits.Header({"BLANK": 7}))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "image.fits")
    exposure = open_exposure(f"{tmp_path}/image.fits[1]")
    for n_threads in (1, 2, None):
        asked.clear()
        replace(exposure, n_threads=n_threads).read()
        assert asked
        assert set(asked) == {n_threads}


@pytest.mark.parametrize("by_tiles", [False, True])
def test_a_run_reads_by_the_threads_that_it_may_take(tmp_path, monkeypatch, by_tiles):
    fits.writeto(tmp_path / "image.fits", stars())
    said = []
    plain = images_fits.load
    monkeypatch.setattr(
        images_fits, "load", lambda *given: (said.append(given[-1]), plain(*given))[1]
    )
    where = {"workspace": tmp_path / "work"} if by_tiles else {}
    skyshed.extract(tmp_path / "image.fits", n_threads=1, **where)
    assert set(said) == {1}

"""Numbers of files on the GPU: the CPU twin's bits, and the bytes of the file over the bus."""

import threading

import numpy as np
import pytest
from astropy.io import fits

from skyshed.images import Window, open_exposure
from skyshed.kernels import stored, twin
from skyshed.kernels.stored import load
from tests.device import standin
from tests.device.kernels.twins import both, identical, to_host
from tests.kernels.test_stored import EVERY, FORMS, into, words


@EVERY
def test_pixels_are_those_of_the_cpu(cupy, form):
    _, given = words(form, 1001)
    with np.errstate(all="ignore"):
        result, expected = both(cupy, stored.decode, given, form, into(form, len(given)), None)
    assert result[0].tobytes() == expected[0].tobytes()
    if form.marks:
        identical(result[1], expected[1])


def test_every_kind_of_number_is_decoded(cupy):
    """In one test, as sanitizers run each with its first parameters alone."""
    for form in FORMS.values():
        for order in (form, form._replace(native=True)):
            _, given = words(order, 70)
            with np.errstate(all="ignore"):
                result, expected = both(cupy, stored.decode, given, order, into(order, 70), None)
            assert result[0].tobytes() == expected[0].tobytes()


@pytest.mark.parametrize(("piece", "read"), [(1 << 24, 1 << 22), (4096, 600)])
@pytest.mark.parametrize("name", ["uint16", "16 bits, blank", "float32", "64 bits, scaled"])
def test_a_window_is_read_in_pieces(cupy, monkeypatch, piece, read, name):
    form = FORMS[name]
    _, given = words(form, 90 * 70)
    content = given.view("u1")

    def fill(buffer, at):
        memory = memoryview(buffer)
        memory[:] = content[at : at + len(memory)]

    twin(stored.in_pieces, "cuda")  # imports the module whose size is set
    monkeypatch.setattr("skyshed.kernels.stored.cuda.PIECE", piece)
    monkeypatch.setattr("skyshed.kernels.stored.cuda.READ", read)
    pixels, bad = (to_host(cupy, each) for each in load(fill, (90, 70), form, "cuda"))
    expected, marks = load(fill, (90, 70), form, "cpu")
    assert pixels.tobytes() == expected.tobytes()
    assert marks is None or np.array_equal(bad, marks)


def test_several_threads_read_a_piece(cupy, monkeypatch):
    """Each waits for the other: one alone would wait for ever."""
    together = threading.Barrier(2)

    def fill(buffer, at):
        together.wait(60)

    twin(stored.in_pieces, "cuda")
    monkeypatch.setattr("skyshed.kernels.stored.cuda.READ", 90 * 70 * 4 // 2)
    load(fill, (90, 70), FORMS["float32"], "cuda", 2)
    assert not together.broken


def test_no_pixel_is_read(cupy):
    pixels, bad = load(lambda buffer, at: None, (0, 5), FORMS["float32"], "cuda")
    assert pixels.shape == bad.shape == (0, 5)


@pytest.mark.costs
@pytest.mark.parametrize(
    ("dtype", "cards"),
    [("f4", {}), ("i2", {"BSCALE": 0.1, "BZERO": 5.0}), ("u2", {}), ("i2", {"BLANK": -1})],
    ids=str,
)
def test_what_goes_to_the_device_are_the_bytes_of_the_file(tmp_path, dtype, cards):
    image = np.random.default_rng(1).normal(500, 30, (200, 300)).astype(dtype)
    hdu = fits.PrimaryHDU(image)
    hdu.writeto(tmp_path / "image.fits")
    for name, value in cards.items():
        fits.setval(tmp_path / "image.fits", name, value=value)
    window = Window(20, 150, 30, 290)
    with standin.in_place():
        exposure = open_exposure(tmp_path / "image.fits", device="cuda")
        with standin.ledger() as ledger:
            planes = exposure.read(window)
        found = planes.data.get()
    expected = open_exposure(tmp_path / "image.fits").read(window).data
    assert found.tobytes() == expected.tobytes()
    assert ledger.total.uploaded == 130 * 260 * image.dtype.itemsize
    assert ledger.total.downloaded <= 64  # whether any pixel is bad


@pytest.mark.costs
def test_an_exposure_from_files_is_that_of_the_host(tmp_path):
    rng = np.random.default_rng(3)
    image = rng.normal(100, 5, (60, 80)).astype("f4")
    image[4, 7] = np.nan
    fits.writeto(tmp_path / "image.fits", image)
    fits.writeto(tmp_path / "mask.fits", (rng.random(image.shape) < 0.1).astype("u1"))
    fits.writeto(tmp_path / "rms.fits", np.where(rng.random(image.shape) < 0.1, 0, 5.0))
    given = {name: tmp_path / f"{name}.fits" for name in ("mask", "rms")}
    window = Window(2, 50, 5, 77)
    expected = open_exposure(tmp_path / "image.fits", **given).read(window)
    with standin.in_place() as cupy:
        found = open_exposure(tmp_path / "image.fits", **given, device="cuda").read(window)
        for name in ("data", "mask", "rms"):
            identical(to_host(cupy, getattr(found, name)), getattr(expected, name))

"""Files that abut are one image, or it is said which of them does not fit, and by how much."""

import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyshed.images import JoinedWindows, cut, open_windows
from tests.pipeline_field import make_wcs


def header_at(y0, x0, **changes):
    """Return the header of a part whose first pixel is pixel ``(y0, x0)`` of the whole."""
    header = make_wcs().to_header()
    header["CRPIX1"] -= x0
    header["CRPIX2"] -= y0
    header.update(changes)
    return header


def write_parts(folder, whole, rows, columns, header=header_at):
    """Write an image as a grid of files, of which every second is in an extension."""
    paths = []
    for y0, y1 in pairwise(rows):
        for x0, x1 in pairwise(columns):
            hdu = fits.ImageHDU(whole[y0:y1, x0:x1], header(y0, x0), name="SCI")
            path = folder / f"part-{len(paths)}.fits"
            if len(paths) % 2:
                fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)
                paths.append(f"{path}[SCI]")
            else:
                fits.PrimaryHDU(hdu.data, hdu.header).writeto(path, overwrite=True)
                paths.append(path)
    return paths


@given(data=st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_windows_are_those_of_the_whole_with_nan_in_gaps(tmp_path, data):
    ny, nx = 23, 31
    whole = np.arange(ny * nx, dtype=data.draw(st.sampled_from(["i2", "f4", "f8"])))
    whole = whole.reshape(ny, nx)
    cuts = [
        [0, *sorted(data.draw(st.sets(st.integers(1, n - 1), max_size=3))), n] for n in (ny, nx)
    ]
    paths = write_parts(tmp_path, whole, *cuts)
    kept = data.draw(st.lists(st.sampled_from(range(len(paths))), min_size=1, unique=True))
    expected = np.full((ny, nx), np.nan)
    places = [(y0, y1, x0, x1) for y0, y1 in pairwise(cuts[0]) for x0, x1 in pairwise(cuts[1])]
    for k in kept:
        y0, y1, x0, x1 = places[k]
        expected[y0:y1, x0:x1] = whole[y0:y1, x0:x1]
    y0, y1, x0, x1 = (f(places[k][s] for k in kept) for s, f in enumerate((min, max, min, max)))
    expected = expected[y0:y1, x0:x1]
    windows = open_windows([paths[k] for k in kept])
    assert windows.shape == expected.shape
    integers = whole.dtype.kind == "i" and not np.isnan(expected).any()
    assert windows.dtype == (
        np.float64 if whole.dtype.kind == "i" and not integers else whole.dtype
    )
    y0, x0 = (data.draw(st.integers(0, n - 1)) for n in windows.shape)
    y1 = data.draw(st.integers(y0 + 1, windows.shape[0]))
    x1 = data.draw(st.integers(x0 + 1, windows.shape[1]))
    for each in (windows, pickle.loads(pickle.dumps(windows))):
        found = each.read(y0, y1, x0, x1)
        assert found.dtype == windows.dtype
        np.testing.assert_array_equal(found, expected[y0:y1, x0:x1])


@pytest.fixture
def whole():
    return np.random.default_rng(4).normal(size=(40, 50)).astype(np.float32)


@pytest.fixture
def quarters(tmp_path, whole):
    return write_parts(tmp_path, whole, (0, 25, 40), (0, 30, 50))


def test_the_wcs_is_that_of_the_whole_image(quarters):
    for paths in (quarters, quarters[::-1]):
        wcs = open_windows(paths).wcs
        assert np.array_equal(wcs.wcs.crpix, make_wcs().wcs.crpix)
        assert wcs.array_shape == (40, 50)
        there = make_wcs().pixel_to_world(33, 7)
        assert wcs.pixel_to_world(33, 7).separation(there).arcsec < 1e-9
    region = cut(open_windows(quarters), 20, 30, 25, 35)
    assert np.array_equal(region.wcs.wcs.crpix, make_wcs().wcs.crpix - (25, 20))


def test_only_the_parts_that_a_window_touches_are_opened(quarters, whole):
    windows = open_windows(quarters)
    for path in quarters[1:]:
        Path(str(path).removesuffix("[SCI]")).write_text("damaged")
    np.testing.assert_array_equal(windows.read(3, 25, 5, 30), whole[3:25, 5:30])
    with pytest.raises(OSError, match=r"part-1\.fits\[1\]: rows 3 to 24, columns 0 to 1 cannot"):
        windows.read(3, 25, 28, 32)


def test_parts_without_wcs_lie_where_the_detector_has_them(tmp_path, whole):
    def header(y0, x0):
        y1, x1 = (25 if y0 == 0 else 40), (30 if x0 == 0 else 50)
        return fits.Header({"DETSEC": f"[{x0 + 101}:{x1 + 100},{y0 + 7}:{y1 + 6}]"})

    paths = write_parts(tmp_path, whole, (0, 25, 40), (0, 30, 50), header)
    windows = open_windows(paths)
    assert windows.wcs is None
    np.testing.assert_array_equal(windows.read(0, 40, 0, 50), whole)


def test_parts_of_several_dtypes_have_one_that_holds_them_all(tmp_path):
    one, other = tmp_path / "a.fits", tmp_path / "b.fits"
    fits.writeto(one, np.full((3, 4), 7, np.int16), header_at(0, 0))
    fits.writeto(other, np.full((3, 4), 0.5, np.float32), header_at(3, 0))
    windows = open_windows((one, other))
    assert windows.dtype == np.float32 == windows.read(0, 2, 0, 2).dtype
    assert windows.read(2, 4, 0, 1).tolist() == [[7], [0.5]]


def test_one_part_needs_no_place(tmp_path):
    fits.writeto(tmp_path / "a.fits", np.ones((3, 4)))
    windows = open_windows([tmp_path / "a.fits"])
    assert isinstance(windows, JoinedWindows)
    assert windows.wcs is None
    assert windows.shape == (3, 4)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (header_at(20, 0.3), r"b\.fits\[0\] is off the pixels of .*a\.fits\[0\] by up to 0\.3 "
         r"pixels in x and .* in y \(it is shifted by part of a pixel\)"),
        (header_at(20, 0, CDELT1=-5.6e-5), r"0\.\d+ pixels in x .*\(scale or orientation differ\)"),
        (header_at(20, 0, PC1_2=0.01), r"\(scale or orientation differ\)"),
        (header_at(20, 0, CRVAL1=180.0), "lies nowhere on the pixels of"),
        (header_at(20, 0, CTYPE1="RA---SIN", CTYPE2="DEC--SIN"), "has the projection RA---SIN"),
        (header_at(18, 0), r"a\.fits\[0\] and .*b\.fits\[0\] overlap by 20 x 2 pixels"),
        (header_at(20, 0, BUNIT="Jy"), r"same unit: .*a\.fits\[0\] has none, .*b.* has Jy"),
        (fits.Header(), r"b\.fits\[0\] has no celestial WCS, and other parts have one"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_named(tmp_path, header, message):
    fits.writeto(tmp_path / "a.fits", np.zeros((20, 20)), header_at(0, 0))
    fits.writeto(tmp_path / "b.fits", np.zeros((20, 20)), header)
    with pytest.raises(ValueError, match=message):
        open_windows([tmp_path / "a.fits", tmp_path / "b.fits"])


def test_a_header_may_round_where_a_part_lies(tmp_path):
    fits.writeto(tmp_path / "a.fits", np.zeros((20, 20)), header_at(0, 0))
    fits.writeto(tmp_path / "b.fits", np.ones((20, 20)), header_at(20.004, -0.003))
    windows = open_windows([tmp_path / "a.fits", tmp_path / "b.fits"])
    assert windows.shape == (40, 20)
    assert windows.read(19, 21, 0, 1).tolist() == [[0], [1]]


@pytest.mark.parametrize("detsec", ["[20:1,1:20]", "[1:40,1:40]", "1:20,1:20", ""])
def test_flipped_and_binned_detectors_are_refused(tmp_path, detsec):
    for name, where in (("a.fits", "[1:20,21:40]"), ("b.fits", detsec)):
        fits.writeto(tmp_path / name, np.zeros((20, 20)), fits.Header({"DETSEC": where}))
    with pytest.raises(
        ValueError, match=r"b\.fits\[0\] has DETSEC = .* neither flipped nor binned"
    ):
        open_windows([tmp_path / "a.fits", tmp_path / "b.fits"])


def test_parts_of_which_nothing_is_known_are_refused(tmp_path):
    for name in ("a.fits", "b.fits"):
        fits.writeto(tmp_path / name, np.zeros((20, 20)))
    with pytest.raises(ValueError, match=r"a\.fits\[0\] has no celestial WCS and no DETSEC"):
        open_windows([tmp_path / "a.fits", tmp_path / "b.fits"])
    with pytest.raises(ValueError, match="hdu is given as 1, but image is no file"):
        open_windows([tmp_path / "a.fits"], hdu=1)

"""Files that abut are one image, or it is said which of them does not fit, and by how much."""

import pickle
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import NDData, StdDevUncertainty
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyshed import extract
from skyshed.exceptions import ImageWarning
from skyshed.images import Window, cut, open_exposure, open_image
from skyshed.images.joined import JoinedSource
from tests.images.skies import header_at
from tests.pipeline_field import make_wcs


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
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    source = open_image([paths[k] for k in kept]).image
    assert source.shape == expected.shape
    integers = whole.dtype.kind == "i" and not np.isnan(expected).any()
    assert source.dtype == (np.float64 if whole.dtype.kind == "i" and not integers else whole.dtype)
    y0, x0 = (data.draw(st.integers(0, n - 1)) for n in source.shape)
    y1 = data.draw(st.integers(y0 + 1, source.shape[0]))
    x1 = data.draw(st.integers(x0 + 1, source.shape[1]))
    for each in (source, pickle.loads(pickle.dumps(source))):
        found = each.read(Window(y0, y1, x0, x1))
        assert found.dtype == source.dtype
        np.testing.assert_array_equal(found, expected[y0:y1, x0:x1])


def two_parts(folder, first, second):
    """Write two images that abut, with cards of their own."""
    paths = []
    for name, where, cards in (("a", "[1:8,1:8]", first), ("b", "[9:16,1:8]", second)):
        header = fits.Header({"DETSEC": where, **cards})
        fits.writeto(folder / f"{name}.fits", np.ones((8, 8), "f4"), header, overwrite=True)
        paths.append(folder / f"{name}.fits")
    return paths


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ({"MAGZERO": 25.0}, {"MAGZERO": 25.5}, "MAGZERO"),
        ({"MAGZPT": 25.0}, {}, "MAGZPT"),
        ({"PHOTFLAM": 1e-19}, {"PHOTFLAM": 2e-19}, "PHOTFLAM"),
        ({"BUNIT": "DN", "EXPTIME": 30.0}, {"BUNIT": "DN", "EXPTIME": 60.0}, "EXPTIME"),
    ],
)
def test_parts_on_different_scales_are_named_whatever_is_asked_for(tmp_path, first, second, name):
    paths = two_parts(tmp_path, first, second)
    for calibrate in (False, True):
        with pytest.warns(
            ImageWarning, match=rf"^{name} differs .*a\.fits.* and .*b\.fits"
        ) as heard:
            assert open_exposure(paths, calibrate=calibrate).calibration is None
        assert len(heard) == 1


def test_parts_on_one_scale_or_exposed_for_other_times_are_no_matter(tmp_path):
    cards = {"MAGZERO": 25.0, "BUNIT": "DN/s"}
    paths = two_parts(tmp_path, {**cards, "EXPTIME": 30.0}, {**cards, "EXPTIME": 60.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_exposure(paths, calibrate=True)


@pytest.mark.parametrize("units", [("nJy", "uJy"), ("nJy", "furlong"), ("furlong", "fathom")])
@pytest.mark.filterwarnings("ignore:.*is not known")
def test_parts_in_different_units_are_refused_also_where_these_are_not_known(tmp_path, units):
    paths = two_parts(tmp_path, *({"BUNIT": unit} for unit in units))
    with pytest.raises(ValueError, match=rf"the same unit: .*a\.fits.* {units[0]}.*{units[1]}"):
        open_image(paths)


@pytest.fixture
def whole():
    return np.random.default_rng(4).normal(size=(40, 50)).astype(np.float32)


@pytest.fixture
def quarters(tmp_path, whole):
    return write_parts(tmp_path, whole, (0, 25, 40), (0, 30, 50))


def test_the_wcs_is_that_of_the_whole_image(quarters):
    for paths in (quarters, quarters[::-1]):
        wcs = open_image(paths).image.wcs
        assert np.array_equal(wcs.wcs.crpix, make_wcs().wcs.crpix)
        assert wcs.array_shape == (40, 50)
        there = make_wcs().pixel_to_world(33, 7)
        assert wcs.pixel_to_world(33, 7).separation(there).arcsec < 1e-9
    region = cut(open_image(quarters).image, Window(20, 30, 25, 35))
    assert np.array_equal(region.wcs.wcs.crpix, make_wcs().wcs.crpix - (25, 20))


def test_only_the_parts_that_a_window_touches_are_opened(quarters, whole):
    source = open_image(quarters).image
    for path in quarters[1:]:
        Path(str(path).removesuffix("[SCI]")).write_text("damaged")
    np.testing.assert_array_equal(source.read(Window(3, 25, 5, 30)), whole[3:25, 5:30])
    with pytest.raises(OSError, match=r"part-1\.fits\[1\]: rows 3 to 24, columns 0 to 1 cannot"):
        source.read(Window(3, 25, 28, 32))


def test_parts_without_wcs_lie_where_the_detector_has_them(tmp_path, whole):
    def header(y0, x0):
        y1, x1 = (25 if y0 == 0 else 40), (30 if x0 == 0 else 50)
        return fits.Header({"DETSEC": f"[{x0 + 101}:{x1 + 100},{y0 + 7}:{y1 + 6}]"})

    paths = write_parts(tmp_path, whole, (0, 25, 40), (0, 30, 50), header)
    source = open_image(paths).image
    assert source.wcs is None
    np.testing.assert_array_equal(source.read(Window(0, 40, 0, 50)), whole)


def test_parts_of_several_dtypes_have_one_that_holds_them_all(tmp_path):
    one, other = tmp_path / "a.fits", tmp_path / "b.fits"
    fits.writeto(one, np.full((3, 4), 7, np.int16), header_at(0, 0))
    fits.writeto(other, np.full((3, 4), 0.5, np.float32), header_at(3, 0))
    source = open_image((one, other)).image
    assert source.dtype == np.float32 == source.read(Window(0, 2, 0, 2)).dtype
    assert source.read(Window(2, 4, 0, 1)).tolist() == [[7], [0.5]]


def test_one_part_needs_no_place(tmp_path):
    fits.writeto(tmp_path / "a.fits", np.ones((3, 4)))
    source = open_image([tmp_path / "a.fits"]).image
    assert isinstance(source, JoinedSource)
    assert source.wcs is None
    assert source.shape == (3, 4)


def test_parts_may_be_hdus_in_memory(tmp_path, whole):
    first = fits.ImageHDU(whole[:25], header_at(0, 0))
    fits.writeto(tmp_path / "b.fits", whole[25:], header_at(25, 0))
    source = open_image([first, tmp_path / "b.fits"]).image
    np.testing.assert_array_equal(source.read(source.everything), whole)
    assert source.origin() == {"input": f"array, {tmp_path}/b.fits"}
    assert source.held_bytes == first.data.nbytes
    with fits.open(tmp_path / "b.fits") as hdus:  # a list, but of one file's HDUs
        assert not isinstance(open_image(hdus).image, JoinedSource)


def test_masks_and_errors_of_parts_are_not_lost_in_silence(whole):
    good = NDData(whole, wcs=make_wcs())
    assert open_image([good]).image.shape == whole.shape
    masked = NDData(whole, wcs=make_wcs(), mask=whole > 1)
    with pytest.raises(
        ValueError, match=r"image\[1\] has its own mask, .*: give it beside the list"
    ):
        open_image([good, masked])
    uncertain = NDData(whole, wcs=make_wcs(), uncertainty=StdDevUncertainty(np.abs(whole)))
    with pytest.raises(
        ValueError, match=r"weight\[0\] has its own uncertainty, which images of a l"
    ):
        open_image([uncertain], "weight")


def test_an_empty_list_is_refused():
    for empty in ([], ()):
        with pytest.raises(ValueError, match="image is an empty list: give at least one file"):
            open_image(empty)


#: BLANK of two parts, and the first column of the second, of which the first has 8.
BLANKS_AND_PLACES = [
    (first, second, begin)
    for first, second in ((None, None), (-1, -1), (-1, None), (-1, -2))
    for begin in (8, 11)
]


def planes_of(folder, values, first, second, begin, name="plane"):
    """Write a plane in two parts; return the paths, the plane, and which pixels have no value."""
    whole = np.zeros((8, begin + 8), values.dtype)
    lost = np.ones(whole.shape, bool)
    paths = []
    for x0, blank in ((0, first), (begin, second)):
        part = values.copy()
        part[6, 2:5] = 0 if blank is None else blank
        whole[:, x0 : x0 + 8] = part
        lost[:, x0 : x0 + 8] = part < 0
        header = fits.Header({"DETSEC": f"[{x0 + 1}:{x0 + 8},1:8]"})
        if blank is not None:
            header["BLANK"] = blank
        paths.append(folder / f"{name}-{x0}.fits")
        fits.writeto(paths[-1], part, header)
    return paths, np.where(lost, 0, whole), lost


@pytest.mark.parametrize(("first", "second", "begin"), BLANKS_AND_PLACES)
@pytest.mark.parametrize("dtype", ["i2", "i4", "i8"])
def test_integers_stay_integers_whatever_is_blank_and_in_gaps(
    tmp_path, dtype, first, second, begin
):
    values = np.zeros((8, 8), dtype)
    values[1, 1], values[2, 2], values[3, 3] = 4, 5, np.iinfo(dtype).max
    paths, whole, lost = planes_of(tmp_path, values, first, second, begin)
    source = open_image(paths).image
    for found in (source.as_integers(), source.as_mask().as_integers()):
        read = found.read(found.everything)
        assert (read.dtype, found.dtype, found.blank) == (np.dtype(dtype), np.dtype(dtype), None)
        assert np.array_equal(read, whole)
        assert np.array_equal(found.read(Window(2, 7, 3, 12)), whole[2:7, 3:12])
    image = np.zeros(whole.shape, np.float32)
    exposure = open_exposure(image, mask=paths, quality=paths, mask_bits=(2,))
    bad = exposure.read().mask
    assert np.array_equal(bad, ((whole & 4) != 0) | lost)
    flat = np.arange(whole.size)
    assert np.array_equal(exposure.quality_at(exposure.image.everything, flat), whole.ravel())


@pytest.mark.parametrize("dtypes", [("i2", "i4"), ("i2", "u2"), ("i4", "i2"), ("u1", "i2")])
def test_bits_have_the_number_that_they_have_in_their_own_part(tmp_path, dtypes):
    """The sign bit of the narrower was that of the wider, and all between."""
    paths, expected = [], []
    for k, dtype in enumerate(dtypes):
        highest = 8 * np.dtype(dtype).itemsize - 1
        part = np.zeros((8, 8), f"u{np.dtype(dtype).itemsize}")
        part[2, 3], part[4, 5] = 1 << highest, 5
        paths.append(tmp_path / f"{k}.fits")
        header = fits.Header({"DETSEC": f"[{8 * k + 1}:{8 * k + 8},1:8]"})
        fits.writeto(paths[-1], part.view(dtype), header)
        expected.append(part.astype(np.int64))
    expected = np.hstack(expected)
    flat = np.arange(expected.size)
    for bit in (0, 15, 16, 31):
        planes = {"mask": paths, "quality": paths, "mask_bits": (bit,)}
        exposure = open_exposure(np.zeros(expected.shape, np.float32), **planes)
        mask = exposure.read().mask  # None where nothing is masked
        bad = np.zeros(expected.shape, bool) if mask is None else mask
        assert np.array_equal(bad, expected >> bit & 1 != 0), bit
    found = exposure.quality_at(exposure.image.everything, flat)
    assert np.array_equal(found, expected.ravel())


def test_labels_of_64_bits_are_exact_across_gaps(tmp_path):
    labels = np.zeros((8, 8), np.int64)
    labels[0:2, 0:2], labels[4:6, 4:8] = 2**53 + 1, 2**53 + 2
    for other in ("i8", "u8"):
        _, whole, _ = paths = planes_of(tmp_path, labels, -1, None, 11, other)
        with fits.open(paths[0][1], mode="update") as hdus:
            hdus[0].data = labels.astype(other)
        image = np.random.default_rng(1).normal(0, 1, whole.shape)
        found = extract(image, segmentation=paths[0], renumber=True, box_size=8)
        expected = np.select([whole == 2**53 + 1, whole == 2**53 + 2], [1, 2])
        assert np.array_equal(np.asarray(found.segmentation.data), expected)


def test_the_part_that_holds_no_integers_is_named(tmp_path):
    paths, whole, _ = planes_of(tmp_path, np.zeros((8, 8), np.int16), None, None, 11)
    with fits.open(paths[1], mode="update") as hdus:
        hdus[0].data = np.ones((8, 8), np.float32)
    image = np.zeros(whole.shape)
    for companions in ({"quality": paths}, {"mask": paths, "mask_bits": (1,)}):
        with pytest.raises(TypeError, match=r"integers.*plane-11\.fits\[0\] holds float32"):
            open_exposure(image, **companions)

"""Any array of numbers is an image: each gives the answer of the same numbers in plain float64.

Where a type holds less than float64 does, its numbers are rounded first, so that both are the same.
"""

import warnings

import numpy as np
import pytest

import skyshed
from skyshed.aperture import ApertureStats, CircularAperture, aperture_photometry

SIDE = 48
TYPES = (
    "f2", "f4", "f8", ">f2", ">f4", ">f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i2",
    ">i4", ">i8", ">u2", ">u4", ">u8",
)  # fmt: skip


def image():
    """Whole numbers that one byte holds."""
    y, x = np.mgrid[:SIDE, :SIDE]
    data = np.random.default_rng(3).normal(12, 2, (SIDE, SIDE))
    for y0, x0, peak in ((12, 14, 90), (14.5, 19, 70), (35, 30, 80), (30, 8, 40)):
        data += peak * np.exp(-((y - y0) ** 2 + (x - x0) ** 2) / 6)
    return np.clip(np.rint(data), 0, 120)


DATA, ERROR = image(), np.full((SIDE, SIDE), 2.0)
SEGM = skyshed.deblend_sources(DATA, skyshed.detect_sources(DATA, 20.0, 5), 5, progress_bar=False)
CIRCLES = CircularAperture([(14.3, 12.1), (30.0, 35.0), (1.0, 46.0)], 4.0)


def memory_map(data, folder):
    path = folder / "data.npy"
    np.save(path, data)
    return np.load(path, mmap_mode="r")


def read_only(data):
    data = data.copy()
    data.flags.writeable = False
    return data


def one_of_many(data):
    """Every second row and third column of a larger array, from its end."""
    larger = np.full((2 * SIDE, 3 * SIDE), 77, data.dtype)
    view = larger[::-2, ::3][:, ::-1]
    view[...] = data
    return view


#: Name -> what makes such an array of a plain one.
LAYOUTS = {
    "rows from the end": lambda data, _: np.ascontiguousarray(data[::-1])[::-1],
    "columns from the end": lambda data, _: np.ascontiguousarray(data[:, ::-1])[:, ::-1],
    "Fortran": lambda data, _: np.asfortranarray(data),
    "one of many": lambda data, _: one_of_many(data),
    "read-only": lambda data, _: read_only(data),
    "memory map": memory_map,
    "masked array": lambda data, _: np.ma.MaskedArray(data),
    "list": lambda data, _: data.tolist(),
    "subclass": lambda data, _: data.view(type("Own", (np.ndarray,), {})),
}


def labels_of(found):
    return np.zeros(DATA.shape) if found is None else found.data


def numbers(table):
    """Return the columns of one number a source."""
    columns = [table[name] for name in table.colnames]
    plain = [each for each in columns if each.ndim == 1 and hasattr(each, "dtype")]
    return np.array([np.asarray(each, float) for each in plain if each.dtype.kind in "fiu"])


def table_of(data):
    catalog = skyshed.SourceCatalog(data, SEGM, error=ERROR)
    return numbers(catalog.to_table())


def extracted(data):
    return numbers(skyshed.extract(data, box_size=16, npixels=5).table)


#: What is done with an image, and to which part of their scale its numbers are the same.
USES = {
    "detect_threshold": (lambda data: skyshed.detect_threshold(data, 2.0), 1e-6),
    "detect_sources": (lambda data: labels_of(skyshed.detect_sources(data, 20.0, 5)), 0),
    "deblend_sources": (
        lambda data: skyshed.deblend_sources(
            data, skyshed.detect_sources(DATA, 20.0, 5), 5, progress_bar=False
        ).data, 0,
    ),
    "convolve": (lambda data: skyshed.convolve(data, skyshed.make_2dgaussian_kernel(3, 5)), 1e-3),
    "Background2D": (lambda data: skyshed.Background2D(data, 16).background, 1e-3),
    "calc_total_error": (lambda data: skyshed.calc_total_error(data, ERROR, 2.0), 1e-3),
    "matched_filter": (lambda data: skyshed.matched_filter(data, np.ones((3, 3)), ERROR)[0], 1e-3),
    "MedianBackground": (lambda data: skyshed.MedianBackground()(data), 1e-6),
    "LocalBackground": (lambda data: skyshed.LocalBackground(5, 9)(data, 20.0, 20.0), 1e-6),
    "SourceCatalog": (table_of, 1e-9),
    "extract": (extracted, 2e-3),
    "aperture_photometry": (
        lambda data: np.asarray(aperture_photometry(data, CIRCLES)["aperture_sum"]), 1e-9,
    ),
    "ApertureStats": (lambda data: np.asarray(ApertureStats(data, CIRCLES).std), 1e-9),
}  # fmt: skip


def used(name, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(USES[name][0](data), float)


@pytest.fixture(scope="module")
def expected():
    return {name: used(name, DATA) for name in USES}


def same(found, wanted, part):
    """Compare each column of a table by its own scale, all others by that of the whole."""
    assert found.shape == wanted.shape
    assert np.array_equal(np.isnan(found), np.isnan(wanted))
    rows = len(wanted) if wanted.ndim == 2 and wanted.shape != DATA.shape else 1
    for one, other in zip(found.reshape(rows, -1), wanted.reshape(rows, -1), strict=True):
        there = ~np.isnan(other)
        scale = part * np.abs(other[there]).max(initial=0.0)
        np.testing.assert_allclose(one[there], other[there], rtol=part, atol=scale)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", USES)
def test_every_type_of_numbers(expected, name, dtype):
    data = DATA.astype(dtype)
    kept = data.copy()
    same(used(name, data), expected[name], USES[name][1])
    assert data.tobytes() == kept.tobytes()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "f8", ">i2"])
@pytest.mark.parametrize("name", USES)
def test_every_layout(expected, name, dtype, layout, tmp_path):
    data = LAYOUTS[layout](DATA.astype(dtype), tmp_path)
    same(used(name, data), expected[name], USES[name][1])
    np.testing.assert_array_equal(np.asarray(data), DATA)


@pytest.mark.parametrize("name", USES)
def test_truth_values_are_numbers_or_refused(name):
    data = DATA > 20
    refused = refusal_of(name, data)
    if refused is None:
        same(used(name, data), used(name, data.astype(float)), USES[name][1])
    else:
        assert "bool" in refused


def refusal_of(name, data):
    """Return what an error says, if there is one of those that are for users."""
    try:
        used(name, data)
    except (TypeError, ValueError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "u4", "i8", "u8", ">i4"])
@pytest.mark.parametrize("layout", ["Fortran", "one of many", "read-only", "memory map"])
def test_label_images_of_every_type_and_layout(dtype, layout, tmp_path):
    labels = LAYOUTS[layout](SEGM.data.astype(dtype), tmp_path)
    segments = skyshed.SegmentationImage(labels)
    assert np.array_equal(segments.labels, SEGM.labels)
    assert np.array_equal(segments.areas, SEGM.areas)
    fluxes = skyshed.SourceCatalog(DATA, segments).segment_flux
    np.testing.assert_array_equal(fluxes, skyshed.SourceCatalog(DATA, SEGM).segment_flux)
    np.testing.assert_array_equal(np.asarray(labels), SEGM.data)


#: What an image may hold at worst.
EXTREMES = {
    "constant": np.full((SIDE, SIDE), 7.0),
    "zero": np.zeros((SIDE, SIDE)),
    "negative zero": -np.zeros((SIDE, SIDE)),
    "denormal": DATA * 5e-324,
    "huge": DATA * 1e36,
    "huge and float32": (DATA * 1e36).astype(np.float32),
    "NaN": np.full((SIDE, SIDE), np.nan),
    "infinite": np.full((SIDE, SIDE), np.inf),
    "some infinite": np.where(DATA > 60, np.inf, DATA),
    "some negative infinite": np.where(DATA > 60, -np.inf, DATA),
    "plateaus": np.where(DATA > 30, 30.0, DATA),
    "steps": np.where(DATA > 30, 30.0, 10.0),
    "checkerboard": np.where(np.indices((SIDE, SIDE)).sum(0) % 2, 0.0, 100.0),
    "all masked": np.ma.MaskedArray(DATA, np.ones(DATA.shape, bool)),
    "a row": DATA[12:13],
    "a column": DATA[:, 14:15],
    "a pixel": DATA[12:13, 14:15],
    "no rows": DATA[:0],
    "no columns": DATA[:, :0],
}
#: The words of an error that names what is wrong.
NAMED = ("data", "image", "x: ", "pixel", "shape", "box_size", "background", "finite")


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("extreme", EXTREMES)
def test_what_an_image_may_hold_at_worst_is_worked_on_or_refused_in_words(name, extreme):
    data = EXTREMES[extreme]
    kept = np.array(data, copy=True)
    refused = refusal_of(name, data)
    assert refused is None or any(each in refused for each in NAMED), refused
    assert "\n" not in (refused or "")
    np.testing.assert_array_equal(np.asarray(data), kept)

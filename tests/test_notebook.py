"""What a notebook shows of the public objects: at once, from little, and never an error."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import skyshed
from skyshed import (
    Background2D,
    Parameters,
    SegmentationImage,
    extract,
    extract_bands,
    extract_each,
)
from skyshed.notebook import SIDE, card, colours_of_labels, picture_of, quietly, sampled
from tests.pipeline_field import SHAPE, make_field, make_wcs

HOSTILE = "<script>alert(1)</script>&\"'"


def picture_in(html):
    """Return the picture of a card, its first row at the bottom again."""
    content = re.search(r'src="data:image/png;base64,([^"]+)"', html)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))[::-1]


@pytest.fixture(scope="module")
def found():
    return extract(make_field(), wcs=make_wcs())


@pytest.fixture(scope="module")
def tiled(tmp_path_factory):
    return extract(make_field(), workspace=tmp_path_factory.mktemp("tiles"))


def test_every_object_has_a_card_with_a_picture(found):
    bands = extract_bands({"g": make_field(), "r": make_field(8)}, nsigma=5)
    (outcome,) = extract_each([make_field()])
    for thing in (
        found, found.data, found.mask or found.error, found.catalog, found.segmentation,
        found.background2d, bands, bands["g"], outcome,
    ):  # fmt: skip
        assert picture_in(thing._repr_html_()).ndim == 3


def test_settings_and_flags_are_tables_with_words():
    html = Parameters(nsigma=2.5)._repr_html_()
    assert "<td>nsigma</td><td>2.5</td><td>1.5</td>" in html
    assert "detection threshold above the background" in html
    html = skyshed.SEGMENTATION_FLAGS._repr_html_()
    for flag in skyshed.SEGMENTATION_FLAGS.all_flags:
        assert f"<td>{flag.bit_value}</td><td>{flag.name}</td>" in html


def test_an_image_that_failed_says_why():
    (outcome,) = extract_each([f"absent{HOSTILE.replace('/', '')}.fits"])
    html = outcome._repr_html_()
    assert "there is no such file" in html
    assert "<script" not in html


def test_the_picture_shows_the_pixels_where_they_are():
    image = np.random.default_rng(0).normal(size=(60, 80))
    image[7, 50] = 100
    shown = picture_in(picture_of(image))[..., 0]
    assert shown[7, 50] == 255
    assert np.count_nonzero(shown == 255) < 20
    assert shown[-8, 50] < 255
    labels = np.zeros((60, 80), int)
    labels[10:12, 20:30] = 3
    assert np.array_equal(colours_of_labels(labels).any(axis=-1), labels > 0)


def test_neighbouring_labels_have_different_colours():
    colours = colours_of_labels(np.arange(1, 2001))
    assert np.all(np.abs(np.diff(colours.astype(int), axis=0)).sum(axis=-1) > 0)
    assert len(np.unique(colours, axis=0)) > 1500


def test_of_an_image_on_disk_only_the_middle_is_read():
    asked = []

    def read(y0, y1, x0, x1):
        asked.append((y1 - y0) * (x1 - x0))
        return np.zeros((y1 - y0, x1 - x0), np.int32)

    segm = SegmentationImage.from_reader(read, [1, 2], shape=(100_000, 100_000), dtype=np.int32)
    assert "100000 x 100000" in segm._repr_html_()
    assert sum(asked) <= 512 * 512
    assert sampled(read, (10, 10), False)[0].shape == (10, 10)


def test_of_an_image_in_memory_a_few_pixels_are_taken():
    image = np.zeros((3000, 2000))
    pixels, words = sampled(lambda y0, y1, x0, x1: image[y0:y1, x0:x1], image.shape, True)
    assert max(pixels.shape) <= SIDE
    assert words == "one of 10 x 10 pixels"


def test_a_run_over_tiles_shows_a_card_and_reads_no_catalog(tiled):
    html = tiled._repr_html_()
    assert f"{SHAPE[1]} x {SHAPE[0]} pixels" in html
    assert picture_in(html).shape[:2] == SHAPE
    assert picture_in(tiled.segmentation._repr_html_()).shape[:2] == SHAPE
    assert picture_in(tiled.background2d._repr_html_()).size


def test_what_is_shown_is_never_an_error_and_never_markup(found, tmp_path):
    class Broken:
        @quietly
        def _repr_html_(self):
            raise OSError("gone")

    assert Broken()._repr_html_() is None
    html = card(HOSTILE, [(HOSTILE, HOSTILE)], "", HOSTILE)
    assert "<script" not in html
    assert skyshed.SegmentationImage(np.zeros((3, 3, 3), int))._repr_html_() is not None
    nothing = Background2D(np.zeros((64, 64)), 32)
    assert nothing._repr_html_() is not None
    assert picture_of(np.full((4, 4), np.nan)) == ""


def test_gone_files_are_no_error(tmp_path):
    from astropy.io import fits

    path = tmp_path / "field.fits"
    fits.writeto(path, make_field())
    found = extract(path, workspace=tmp_path / "tiles")
    path.unlink()
    assert found._repr_html_() is None or "field.fits" in found._repr_html_()


# plot()


@pytest.fixture
def figure():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_an_extraction_is_plotted_on_the_sky_with_its_apertures(found, figure):
    ax = found.plot()
    assert type(ax).__name__ == "WCSAxes"
    assert len(ax.patches) == np.isfinite(found.table["kron_flux"]).sum()
    assert np.array_equal(ax.images[0].get_array(), np.asarray(found.data))
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    "image",
    ["data", "convolved_data", "error", "background", "background_rms", "segmentation"],
)
def test_every_image_can_be_plotted_from_tiles_too(found, tiled, figure, image):
    for each in (found, tiled):
        ax = each.plot(image, region=(20, 80, 30, 120), apertures=False)
        assert ax.images[0].get_array().shape[:2] == (60, 90)
        assert tuple(ax.images[0].get_extent()) == (29.5, 119.5, 19.5, 79.5)


def test_only_the_region_is_read(tiled, figure, monkeypatch):
    asked = []
    run = tiled._run
    read = run.read_masked
    monkeypatch.setattr(run, "read_masked", lambda window: asked.append(window) or read(window))
    tiled.plot(region=(20, 60, 30, 80), apertures=False)
    assert asked
    assert all(each.y0 >= 20 and each.y1 <= 60 and 30 <= each.x0 <= each.x1 <= 80 for each in asked)


def test_plots_refuse_what_is_not_there(found, figure):
    with pytest.raises(ValueError, match="image must be"):
        found.plot("sky")
    with pytest.raises(ValueError, match="region must be"):
        found.plot(region=(0, 10, 0, SHAPE[1] + 1))
    with pytest.raises(ValueError, match="which must be"):
        found.background2d.plot("noise")


def test_parts_are_plotted(found, figure):
    assert tuple(found.background2d.plot().get_xlim()) == (-0.5, SHAPE[1] - 0.5)
    assert found.background2d.plot("background_rms").images
    assert found.segmentation.plot().images[0].get_array().shape == (*SHAPE, 3)
    assert len(found.catalog.plot().patches) > 10
    assert extract_bands({"g": make_field()}, nsigma=5).plot().images


def test_large_images_are_shrunk_before_they_are_drawn(figure, monkeypatch):
    monkeypatch.setattr("skyshed.shrinking.SIDE", 40)
    labels = np.zeros((100, 130), np.int32)
    labels[50, 60] = 9
    ax = SegmentationImage(labels).plot()
    assert ax.images[0].get_array().shape == (25, 32, 3)
    assert tuple(ax.images[0].get_extent()) == (-0.5, 127.5, -0.5, 99.5)

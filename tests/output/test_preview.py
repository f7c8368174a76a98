"""The preview: any image gives one picture of limited size that shows what is there."""

import subprocess
import sys
import tracemalloc

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from PIL import Image, ImageDraw

from skyshed import extract, shrinking
from skyshed.catalog import kron_ellipses
from skyshed.output import preview
from skyshed.output import write as writing
from skyshed.output.preview import BLUE, LEFT, MOST_ELLIPSES, PANEL, TOP
from skyshed.output.preview import write_preview as write
from skyshed.shrinking import block_max, block_mean
from tests.pipeline_field import make_field, make_wcs


def read_png(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def drawn(found, tmp_path):
    found.write(tmp_path)
    return read_png(tmp_path / "preview.png")


def is_red(picture):
    return (picture[..., 0] > 60) & (picture[..., 0] > 1.4 * picture[..., 2])


def panel_of(picture, shape, zoom):
    """The left panel, or the upper one, with the first row of the image first."""
    ny, nx = (round(length * zoom) for length in shape)
    return picture[TOP : TOP + ny, LEFT : LEFT + nx][::-1]


def readers(image, labels, asked=None):
    """Readers of an image and its labels that note how many pixels they are asked for."""

    def reader(pixels):
        def read(y0, y1, x0, x1):
            if asked is not None:
                asked.append((y1 - y0) * (x1 - x0))
            return pixels[y0:y1, x0:x1]

        return read

    return reader(image), reader(labels)


def draw_blank(path, shape=(150, 190), **options):
    """Draw an image without noise and sources."""
    write(
        *readers(np.zeros(shape), np.zeros(shape, np.int32)), shape, path,
        **{"n_sources": 0, "noise": 1.0, **options},
    )  # fmt: skip
    return read_png(path)


def test_blocks_are_means_and_maxima():
    rng = np.random.default_rng(2)
    image = rng.normal(0, 1, (11, 14))
    image[0, :3] = np.nan
    image[4, 4] = np.inf
    image[3:6, 6:9] = np.nan
    labels = rng.integers(0, 9, image.shape)
    for y in range(3):
        for x in range(4):
            window = np.s_[3 * y : 3 * y + 3, 3 * x : 3 * x + 3]
            good = image[window][np.isfinite(image[window])]
            expected = good.mean() if good.size else np.nan
            assert block_mean(image, 3)[y, x] == pytest.approx(expected, nan_ok=True)
            assert block_max(labels, 3)[y, x] == labels[window].max()
    assert block_mean(image, 3).shape == block_max(labels, 3).shape == (3, 4)
    image[4, 4] = 0
    assert np.array_equal(block_mean(image, 1), image, equal_nan=True)


@pytest.mark.parametrize("which", ["rich", "plain", "empty"])
def test_a_picture_is_drawn_with_or_without_sources(tmp_path, request, which):
    found = request.getfixturevalue(which)
    picture = drawn(found, tmp_path)
    left = panel_of(picture, found.shape, 5)
    right = picture[TOP : TOP + 750, LEFT + 950 + preview.GAP :][:, :950][::-1]
    labels = np.asarray(found.segmentation.data)
    assert left.std() > 20
    assert is_red(left).any() == (which != "empty")
    # Right: the middle of each pixel has the colour of its label, or that of a line.
    middles = right[2::5, 2::5]
    coloured = middles.max(axis=-1) != middles.min(axis=-1)
    assert not coloured[labels == 0].any()
    assert which == "empty" or coloured[labels > 0].mean() > 0.8


@pytest.mark.parametrize("name", ["a.fits", "/data/" + 9 * "a long\nname "])
@pytest.mark.parametrize(
    "shape", [(64, 64), (70, 4000), (4000, 70), (2200, 2100), (1, 3), (3, 9000)]
)
def test_no_picture_is_clipped_or_larger_than_two_panels(tmp_path, shape, name):
    picture = draw_blank(
        tmp_path / "preview.png", shape, level=1e5, unit="nJy", pixel_scale=0.2,
        record={"input": name}, ellipses=np.array([[0, 0, 9.0, 3, 0]]), n_sources=54321,
    )  # fmt: skip
    assert max(picture.shape) <= 2 * PANEL + 160
    edge = np.ones(picture.shape[:2], bool)
    edge[4:-4, 4:-4] = False
    assert (picture[edge] == 255).all()


@pytest.mark.parametrize("shape", [(2200, 2100), (300, 4000), (150, 190)])
def test_a_picture_by_windows_is_the_picture(tmp_path, monkeypatch, shape):
    image = np.random.default_rng(4).normal(0, 1, shape).astype(np.float32)
    for y, x in np.random.default_rng(5).integers(10, min(shape) - 20, (20, 2)):
        image[y : y + 6, x : x + 9] += 30
    image[60:90, 80:110] = np.nan
    found = extract(image, nsigma=10)
    found.write(tmp_path)
    labels, ellipses = kron_ellipses(found.catalog)
    data = np.where(found.mask[:], np.nan, found.data[:])
    for size in (1 << 22, 30_000):
        monkeypatch.setattr(shrinking, "WINDOW", size)
        asked = []
        write(
            *readers(data, found.segmentation.data, asked), shape, tmp_path / "parts.png",
            len(labels), noise=found.background2d.background_rms_median,
            level=found.tiles["background"][0], ellipses=ellipses, record=found.record,
        )  # fmt: skip
        assert (tmp_path / "parts.png").read_bytes() == (tmp_path / "preview.png").read_bytes()
        assert max(asked) <= size


def test_memory_does_not_grow_with_the_image(tmp_path):
    peaks = []
    for times in (2, 8):
        side = times * PANEL

        def read(y0, y1, x0, x1):
            return np.zeros((y1 - y0, x1 - x0), np.float32)

        def read_labels(y0, y1, x0, x1):
            return np.zeros((y1 - y0, x1 - x0), np.int32)

        tracemalloc.start()
        write(read, read_labels, (side, side), tmp_path / "preview.png", 0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_ellipses_are_where_the_sources_are(tmp_path):
    """Of one source at the upper left that leans to the right, in an image without noise."""
    shape, (x0, y0), angle = (300, 340), (90.0, 210.0), np.radians(30)
    y, x = np.mgrid[: shape[0], : shape[1]]
    along = (x - x0) * np.cos(angle) + (y - y0) * np.sin(angle)
    across = (y - y0) * np.cos(angle) - (x - x0) * np.sin(angle)
    image = 300 * np.exp(-((along / 16) ** 2 + (across / 6) ** 2) / 2)
    found = extract(image, rms=np.ones(shape))
    _, ((x, y, major, minor, theta),) = kron_ellipses(found.catalog)
    assert (x, y, theta) == pytest.approx((x0, y0, 30), abs=0.1)
    zoom = 3
    down, right = np.nonzero(is_red(panel_of(drawn(found, tmp_path), shape, zoom)))
    dx, dy = (right + 0.5) / zoom - 0.5 - x0, (down + 0.5) / zoom - 0.5 - y0
    u = (dx * np.cos(angle) + dy * np.sin(angle)) / major
    v = (dy * np.cos(angle) - dx * np.sin(angle)) / minor
    # All that is red is within a pixel of the ellipse, which is closed.
    assert np.abs(np.hypot(u, v) - 1).max() * minor < 1
    assert np.diff(np.sort(np.arctan2(v, u))).max() < 0.1


def test_ellipses_that_are_too_many_or_missing_are_left_out(tmp_path):
    path, row = tmp_path / "preview.png", np.array([[70.0, 60, 9, 5, 20]])
    for ellipses, lines in (
        (row, True),
        (np.repeat(row, MOST_ELLIPSES, axis=0), True),
        (np.repeat(row, MOST_ELLIPSES + 1, axis=0), False),
        (np.full((2, 5), np.nan), False),
        (None, False),
    ):
        picture = draw_blank(path, ellipses=ellipses)
        assert is_red(panel_of(picture, (150, 190), 5)).any() == lines


def test_masked_pixels_have_a_colour_of_their_own_and_the_legend_says_so(tmp_path):
    image = make_field()
    image[60:90, 80:110] = np.nan
    picture = drawn(extract(image), tmp_path)
    masked = (picture == BLUE).all(axis=-1)
    middles = panel_of(masked, image.shape, 5)[2::5, 2::5]
    # Lines may cross it.
    assert middles[60:90, 80:110].mean() > 0.9
    middles[60:90, 80:110] = False
    assert not middles.any()
    assert masked[TOP + 770 :].sum() == 144
    assert not (draw_blank(tmp_path / "blank.png") == BLUE).all(axis=-1).any()


def test_an_image_that_is_all_masked_is_drawn(tmp_path):
    shape = (50, 60)
    pixels = np.full(shape, np.nan), np.zeros(shape, np.int32)
    write(*readers(*pixels), shape, tmp_path / "preview.png", 0, noise=np.nan)
    assert (panel_of(read_png(tmp_path / "preview.png"), shape, 17) == BLUE).all()


def test_a_bar_shows_a_round_length_on_the_sky(tmp_path):
    """A quarter of 190 pixels of 0.2 arcsec is 9.5 arcsec: 5 arcsec, 25 pixels, are drawn."""
    path = tmp_path / "preview.png"
    for pixel_scale, length in ((0.2, 125), (1.0, 100), (60.0, 100), (None, 0), (np.nan, 0)):
        dark = draw_blank(path, pixel_scale=pixel_scale)[TOP + 760 :].max(axis=-1) < 60
        runs = ["".join("#" if each else " " for each in row).split() for row in dark]
        assert max(len(run) if len(run) > 20 else 0 for row in runs for run in row) == length


def test_the_legend_knows_unit_and_scale_of_an_extraction(tmp_path, monkeypatch):
    said = []
    real = ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        ImageDraw.ImageDraw, "text",
        lambda self, xy, text, *args, **kwargs: said.append(text) or real(
            self, xy, text, *args, **kwargs
        ),
    )  # fmt: skip
    found = extract(make_field() << u.nJy, wcs=make_wcs())
    found.write(tmp_path)
    assert said[0] == f"array, 190 x 150, less its background: {len(found.table)} sources"
    level = np.median(found.background2d.background_mesh)
    assert f"background {level:.4g} nJy" in said
    assert f"noise {float(found.background2d.background_rms_median):.4g} nJy" in said
    assert '5"' in said
    assert "masked or not finite" not in said


def test_an_image_without_noise_is_drawn(tmp_path):
    image = np.zeros((100, 120))
    image[20:25, 50:56] = 4.0
    found = extract(image << u.Jy, rms=np.ones(image.shape))
    assert len(found.table) == 1
    assert panel_of(drawn(found, tmp_path), image.shape, 8)[180, 424].min() > 50


def test_drawing_needs_no_matplotlib(tmp_path):
    code = f"""
import sys, numpy as np
sys.modules["matplotlib"] = None  # importing it raises ImportError
from skyshed import extract, shrinking
image = np.random.default_rng(1).normal(0, 1, (80, 90))
image[30:36, 30:36] += 100
extract(image, nsigma=9).write({str(tmp_path)!r})
print(sum(name.startswith("matplotlib.") for name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0"]
    assert (tmp_path / "preview.png").exists()


@pytest.mark.parametrize("name", ["a$x$b", "a\udcff", "a[b]", "<b>&", "new\nline", "λ ünder", "*?"])
def test_any_name_of_an_input_can_be_drawn(tmp_path, name):
    image = np.random.default_rng(1).normal(10, 1, (40, 60)).astype(np.float32)
    image[20:24, 30:34] += 60
    try:
        fits.writeto(tmp_path / f"{name}.fits", image)
    except OSError:
        pytest.skip("this file system has no such names")
    written = extract(tmp_path / f"{name}.fits", nsigma=5).write(tmp_path / "out")
    assert tmp_path / "out" / "preview.png" in written


def test_arrows_lead_to_north_and_east(tmp_path):
    """On a sky that is turned by 30 degrees, and has no mirror image."""
    wcs = make_wcs()
    angle = np.radians(30)
    wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    (north_x, north_y), (east_x, east_y) = writing._compass(wcs, (150, 190))
    sky = wcs.pixel_to_world([94.5, 94.5 + north_x], [74.5, 74.5 + north_y])
    assert sky[0].position_angle(sky[1]).wrap_at("180d").deg == pytest.approx(0, abs=0.01)
    assert north_x * east_y - north_y * east_x > 0  # east is left of north
    assert north_x * east_x + north_y * east_y == pytest.approx(0, abs=1e-3)
    draw_blank(tmp_path / "plain.png", (400, 400))
    turned = draw_blank(tmp_path / "arrows.png", (400, 400), compass=((0.0, 1.0), (-1.0, 0.0)))
    plain = read_png(tmp_path / "plain.png")
    differ = np.argwhere((turned != plain).any(axis=-1))
    assert len(differ) > 50
    assert np.ptp(differ, axis=0).max() <= preview.COMPASS
    assert writing._compass(None, (10, 10)) is None

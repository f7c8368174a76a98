"""The preview: any image gives one picture of limited size that shows what is there."""

import subprocess
import sys
from types import SimpleNamespace

import astropy.units as u
import numpy as np
import pytest
from matplotlib.image import imread

from skyshed import extract
from skyshed.catalog import kron_ellipses
from skyshed.output import preview
from skyshed.output.preview import MOST_ELLIPSES, block_max, block_mean, write_preview
from tests.pipeline_field import make_field


def drawn(found, tmp_path):
    found.write(tmp_path)
    return imread(tmp_path / "preview.png")


def test_blocks_are_means_and_maxima(monkeypatch):
    rng = np.random.default_rng(2)
    image = rng.normal(0, 1, (11, 14))
    image[0, :3] = np.nan
    image[3:6, 6:9] = np.nan
    labels = rng.integers(0, 9, image.shape)
    for y in range(3):
        for x in range(4):
            window = np.s_[3 * y : 3 * y + 3, 3 * x : 3 * x + 3]
            good = image[window][np.isfinite(image[window])]
            expected = good.mean() if good.size else np.nan
            assert block_mean(image, 3)[y, x] == pytest.approx(expected, nan_ok=True)
            assert block_max(labels, 3)[y, x] == labels[window].max()
    mask = rng.random(image.shape) < 0.3
    masked = block_mean(np.where(mask, np.nan, image), 3)
    assert np.array_equal(block_mean(image, 3, mask), masked, equal_nan=True)
    monkeypatch.setattr("skyshed.output.preview.BAND", 40)  # bands of one row of blocks
    assert np.array_equal(block_mean(image, 3, mask), masked, equal_nan=True)
    assert np.array_equal(block_mean(image, 1), image, equal_nan=True)
    assert block_mean(image, 3).shape == block_max(labels, 3).shape == (3, 4)


@pytest.mark.parametrize("which", ["rich", "plain", "empty"])
def test_a_picture_is_drawn_with_or_without_sources(tmp_path, request, which):
    picture = drawn(request.getfixturevalue(which), tmp_path)
    assert 1000 < picture.shape[1] <= 2000
    assert picture[..., :3].std() > 0.1


@pytest.mark.parametrize("shape", [(64, 64), (70, 4000), (4000, 70), (2200, 2100)])
def test_no_picture_is_larger_than_two_thousand_pixels(tmp_path, shape):
    image = np.random.default_rng(4).normal(0, 1, shape).astype(np.float32)
    image[30:36, 30:36] += 100
    picture = drawn(extract(image, nsigma=10), tmp_path)
    assert max(picture.shape) <= 2010
    assert picture.shape[1] <= 2000


def read_by(found, asked):
    """Return readers of an extraction's image and labels that note what they are asked for."""
    data = np.where(False if found.mask is None else found.mask[:], np.nan, found.data[:])

    def reader(image):
        def read(y0, y1, x0, x1):
            asked.append((y1 - y0) * (x1 - x0))
            return image[y0:y1, x0:x1]

        return read

    return reader(data), reader(found.segmentation.data)


@pytest.mark.parametrize("shape", [(2200, 2100), (300, 4000), (150, 190)])
def test_a_picture_by_windows_is_the_picture(tmp_path, monkeypatch, shape):
    image = np.random.default_rng(4).normal(0, 1, shape).astype(np.float32)
    for y, x in np.random.default_rng(5).integers(10, min(shape) - 20, (20, 2)):
        image[y : y + 6, x : x + 9] += 30
    image[60:90, 80:110] = np.nan
    found = extract(image, nsigma=10)
    found.write(tmp_path)
    _, ellipses = kron_ellipses(found.catalog)
    noise = found.background2d.background_rms_median
    for size in (1 << 22, 30_000):
        monkeypatch.setattr(preview, "WINDOW", size)
        asked = []
        write_preview(
            *read_by(found, asked), shape, tmp_path / "parts.png", len(found.table),
            noise=noise, ellipses=ellipses, record=found.record,
        )  # fmt: skip
        assert (tmp_path / "parts.png").read_bytes() == (tmp_path / "preview.png").read_bytes()
        assert max(asked) <= size


def test_a_picture_by_windows_needs_no_more_than_windows(tmp_path):
    asked = []
    for shape, ellipses in (((40, 50), np.ones((MOST_ELLIPSES + 1, 5))), ((1, 5000), None)):
        found = SimpleNamespace(data=np.zeros(shape), mask=None)
        found.segmentation = SimpleNamespace(data=np.zeros(shape, np.int32))
        write_preview(*read_by(found, asked), shape, tmp_path / "preview.png", 0, ellipses=ellipses)
        assert imread(tmp_path / "preview.png").shape[1] <= 2000


def test_masked_pixels_are_told_from_dark_ones(tmp_path):
    image = make_field()
    image[60:90, 80:110] = np.nan
    picture = drawn(extract(image), tmp_path)[..., :3]
    left = picture[:, : picture.shape[1] // 2]
    blue = (left[..., 2] > 0.2) & (left[..., 2] > 3 * left[..., 0])
    assert blue.mean() == pytest.approx(900 / image.size, rel=0.25)


def test_an_image_without_noise_is_drawn(tmp_path):
    image = np.zeros((100, 120))
    image[20:25, 50:56] = 4.0
    found = extract(image << u.Jy, rms=np.ones(image.shape))
    assert len(found.table) == 1
    assert drawn(found, tmp_path)[..., :3].std() > 0.1


def test_drawing_needs_no_pyplot(tmp_path):
    code = f"""
import sys, numpy as np
from skyshed import extract
image = np.random.default_rng(1).normal(0, 1, (80, 90))
image[30:36, 30:36] += 100
extract(image, nsigma=9).write({str(tmp_path)!r})
print("matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_missing_matplotlib_is_said(tmp_path, plain, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'skyshed\[plot\]'"):
        plain.write(tmp_path)
    assert not any(path.name.endswith(".part") for path in tmp_path.iterdir())

"""Maps written by windows are those that astropy writes at once."""

import subprocess
import sys

import numpy as np
import pytest
import zarr
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyshed import Parameters
from skyshed.exceptions import ImageWarning
from skyshed.images import Window, open_image
from skyshed.output import segmentation_map as maps
from skyshed.output.fits_tables import file_header, tables_beside
from skyshed.output.segmentation_map import write_map
from tests.pipeline_field import PlainWCS, make_wcs

RECORD = {"date": "2026-11-28T22:00:00+00:00", "skyshed": "1.0", "input": 'd\\é".fits'}
PARAMETERS = Parameters(nsigma=1 / 3)


def reader(labels):
    return lambda y0, y1, x0, x1: labels[y0:y1, x0:x1]


def labels_of(shape, seed=1, top=2**31 - 1):
    """Return labels of which most are 0 and some large."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, top, shape, dtype=np.int32)
    labels[rng.random(shape) < 0.8] = 0
    return labels


def of_astropy(labels, path, compress):
    """Write a map as astropy does when it has all of it."""
    header = file_header(RECORD)
    header.update(make_wcs().to_header(relax=True))
    header["NLABELS"] = (9, "number of sources")
    header["BUNIT"] = ("", "labels; 0 is the background")
    image = (
        fits.CompImageHDU(labels, header, name="SEGMENTATION", compression_type="RICE_1")
        if compress
        else fits.PrimaryHDU(labels, header)
    )
    first = [fits.PrimaryHDU()] if compress else []
    fits.HDUList([*first, image, *tables_beside(PARAMETERS, RECORD)]).writeto(path, overwrite=True)
    return path.read_bytes()


@pytest.mark.parametrize("compress", [False, True])
@given(
    ny=st.integers(1, 40), nx=st.integers(1, 70), step=st.integers(1, 50), seed=st.integers(0, 9)
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_map_by_stripes_is_that_of_astropy(tmp_path, compress, ny, nx, step, seed):
    labels, path = labels_of((ny, nx), seed), tmp_path / "map.fits"
    options = {"compress": compress, "step": step}
    write_map(reader(labels), (ny, nx), path, 9, PARAMETERS, RECORD, make_wcs(), **options)
    assert path.read_bytes() == of_astropy(labels, tmp_path / "whole.fits", compress)
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert np.array_equal(hdus[int(compress)].data, labels)
    found = open_image(path).image.read(Window(ny // 2, ny, nx // 2, nx))
    assert np.array_equal(found, labels[ny // 2 :, nx // 2 :])


def test_a_zarr_map_comes_back_with_all_that_made_it(tmp_path, monkeypatch):
    monkeypatch.setattr(maps, "STRIPE", 3 * 512 * 512)
    labels, path = labels_of((1100, 2300), top=5), tmp_path / "map.zarr"
    labels[512:1024, 512:1024] = 0
    for _ in range(2):  # the second replaces the first
        (path / "old").mkdir(parents=True, exist_ok=True)
        write_map(
            reader(labels), labels.shape, path, 9, PARAMETERS, RECORD, make_wcs(), format="zarr"
        )
    assert [each.name for each in tmp_path.iterdir()] == ["map.zarr"]
    assert not (path / "old").exists()
    assert (path / "c/1/0").exists()
    assert not (path / "c/1/1").exists()
    array = zarr.open_array(path, mode="r")
    assert array.metadata.zarr_format == 3
    assert array.chunks == (512, 512)
    assert array.dtype == np.int32
    assert np.array_equal(array[:], labels)
    assert array.attrs["nlabels"] == 9
    assert array.attrs["record"] == RECORD
    assert Parameters(**array.attrs["parameters"]) == PARAMETERS
    source = open_image(path).image
    assert np.array_equal(source.read(Window(500, 1100, 3, 2000)), labels[500:, 3:2000])
    there = make_wcs().pixel_to_world(5, 9)
    assert source.wcs.pixel_to_world(5, 9).separation(there).arcsec < 1e-6


def test_windows_of_zarr_are_whole_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(maps, "STRIPE", 2 * 512 * 512)
    asked = []

    def read(*window):
        asked.append(window)
        return np.zeros((window[1] - window[0], window[3] - window[2]), np.int64)

    write_map(read, (600, 1500), tmp_path / "map.zarr", 0, PARAMETERS, {}, format="zarr")
    assert asked == [
        (0, 512, 0, 1024), (0, 512, 1024, 1500), (512, 600, 0, 1024), (512, 600, 1024, 1500),
    ]  # fmt: skip


@pytest.mark.parametrize("format", ["fits", "zarr"])
def test_what_goes_wrong_leaves_the_old_map(tmp_path, format):
    path = tmp_path / f"map.{format}"
    labels = labels_of((30, 40))
    write_map(reader(labels), labels.shape, path, 9, PARAMETERS, {}, format=format)
    with pytest.raises(ValueError, match=r"must return the shape \(30, 40\), got \(30, 39\)"):
        write_map(reader(labels[:, 1:]), (30, 40), path, 9, PARAMETERS, {}, format=format)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert np.array_equal(open_image(path).image.read(Window(0, 30, 0, 40)), labels)


def test_a_compressed_map_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(maps, "MOST_COMPRESSED", 3000)
    labels = labels_of((100, 100))
    with pytest.raises(ValueError, match=r"more than 2 GB, .*: choose format 'zarr'"):
        write_map(
            reader(labels), labels.shape, tmp_path / "map.fits", 9, PARAMETERS, {}, compress=True
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", ["fits", "zarr"])
def test_a_wcs_that_fits_no_header_is_left_out(tmp_path, format):
    path = tmp_path / f"map.{format}"
    with pytest.warns(ImageWarning, match="is written without a WCS"):
        write_map(
            reader(np.zeros((3, 4))), (3, 4), path, 0, PARAMETERS, {}, PlainWCS(), format=format
        )
    assert open_image(path).image.wcs is None


def test_formats_and_packages_that_are_missing_are_said(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="format must be 'fits' or 'zarr', got 'png'"):
        write_map(None, (3, 4), tmp_path / "map.png", 0, PARAMETERS, {}, format="png")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ImportError, match=r"pip install 'skyshed\[mosaic\]'"):
        write_map(None, (3, 4), tmp_path / "map.zarr", 0, PARAMETERS, {}, format="zarr")
    with pytest.raises(ImportError, match=r"pip install 'skyshed\[mosaic\]'"):
        open_image(tmp_path / "map.zarr")


MEASURE = """
import sys
from pathlib import Path
import numpy as np
from skyshed import Parameters
from skyshed.output.segmentation_map import write_map
def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name + ":")))
def read(y0, y1, x0, x1):
    return np.arange(y0, y1, dtype=np.int32)[:, None] + np.arange(x0, x1, dtype=np.int32) // 9
path, format, compress = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "True"
options = {"format": format, "compress": compress}
write_map(read, (600, 4000), path, 9, Parameters(), {}, **options)
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
write_map(read, (10_000, 4_000), path, 9, Parameters(), {}, **options)
print(status("VmHWM") - before)
"""


@pytest.mark.parametrize(
    ("format", "compress"), [("fits", False), ("fits", True), ("zarr", False)]
)  # fmt: skip
def test_a_map_by_windows_takes_the_memory_of_a_window(tmp_path, format, compress):
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "map"), format, str(compress)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # The map has 160 MB, a window 16.
    assert int(done.stdout) < 75_000

"""The one door: whatever is given is opened by what knows it, and other packages may add more."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import zarr
from astropy.io import fits

from skyshed import extract
from skyshed.images import ImageSource, OpenedImage, Window, open_image, register
from skyshed.images import open as door
from skyshed.images.arrays import ArraySource
from skyshed.images.fits import FitsSource
from skyshed.images.joined import JoinedSource
from skyshed.images.zarr import ZarrSource


@pytest.fixture
def pixels():
    return np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def registry(monkeypatch):
    """Forget after the test what it registered."""
    monkeypatch.setattr(door, "_FORMATS", list(door._FORMATS))
    door._installed_formats.cache_clear()
    yield
    door._installed_formats.cache_clear()


def test_every_kind_of_image_comes_in_by_one_door(tmp_path, pixels):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(pixels, name="SCI")]).writeto(
        tmp_path / "a.fits"
    )
    zarr.create_array(tmp_path / "a.zarr", data=pixels)
    (tmp_path / "b.zarr").mkdir()
    fits.writeto(tmp_path / "b.zarr/a.fits", pixels)  # FITS in a folder of that name
    kinds = {
        str(tmp_path / "a.fits"): FitsSource,
        f"{tmp_path}/a.fits[SCI]": FitsSource,
        tmp_path / "a.fits": FitsSource,
        tmp_path / "b.zarr/a.fits": FitsSource,
        f"{tmp_path}/b.zarr/a.fits[0]": FitsSource,
        tmp_path / "a.zarr": ZarrSource,
        str(tmp_path / "a.zarr"): ZarrSource,
        (tmp_path / "a.fits",): JoinedSource,
    }
    cases = [*kinds.items(), ([str(tmp_path / "a.fits")], JoinedSource), (pixels, ArraySource)]
    for given, kind in cases:
        opened = open_image(given)
        assert isinstance(opened, OpenedImage)
        assert type(opened.image) is kind
        np.testing.assert_array_equal(opened.image.read(Window(1, 3, 0, 2)), pixels[1:, :2])
        assert opened.mask is None
        assert opened.error is None


def test_an_hdu_is_only_asked_for_where_there_can_be_one(tmp_path, pixels):
    zarr.create_array(tmp_path / "a.zarr", data=pixels)
    hdu = fits.ImageHDU(pixels)
    for given, name in (
        (pixels, "image"),
        (hdu, "weight"),
        ([hdu], "image"),
        (np.ma.ones(3), "mask"),
    ):
        with pytest.raises(
            ValueError, match=f"hdu is given as 'SCI', but {name} is no file: leave"
        ):
            open_image(given, name, "SCI")
    with pytest.raises(ValueError, match="hdu is given as 1, but image is no FITS file: leave hdu"):
        open_image(tmp_path / "a.zarr", hdu=1)


class Camera:
    """What another package reads images with."""

    def __init__(self, frames):
        self.frames = frames


@dataclass(frozen=True, eq=False)
class CameraSource(ImageSource):
    """Its frames as images."""

    frame: object
    unit: object = None
    wcs: object = None

    shape = (3, 4)
    dtype = np.dtype(np.float32)

    def read(self, window):
        return self.frame[window.slices]

    def origin(self):
        return {"input": "camera"}

    def fingerprint(self):
        return {"sum": float(self.frame.sum()), **self.description()}


def register_camera():
    @register(lambda given: isinstance(given, Camera), has_hdus=True)
    def open_camera(given, name, hdu):
        if hdu not in (None, 0, 1):
            raise ValueError(f"{name} has 2 frames, got hdu={hdu!r}")
        return OpenedImage(CameraSource(given.frames[hdu or 0]))

    return open_camera


def test_another_package_can_add_a_format(registry, pixels):
    camera = Camera([pixels, pixels + 1])
    with pytest.raises(ValueError, match="image must be a 2-D array, got 0-D"):
        open_image(camera)
    opener = register_camera()
    assert opener(camera, "image", 1).image.frame is camera.frames[1]
    for number in (None, 1):
        source = open_image(camera, hdu=number).image
        np.testing.assert_array_equal(
            source.read(Window(1, 3, 2, 4)), pixels[1:, 2:] + (number or 0)
        )
    assert source.label == "CameraSource"
    assert source.everything == Window(0, 3, 0, 4)
    assert (source.held_bytes, source.windowed, source.unit_from_header) == (0, True, False)
    assert source.fingerprint() == {"sum": 78.0, "shape": [3, 4], "dtype": "float32", "unit": ""}
    with pytest.raises(ValueError, match="band has 2 frames, got hdu='SCI'"):
        open_image(camera, "band", "SCI")
    # What is known already stays as it is.
    assert isinstance(open_image(pixels).image, ArraySource)


def test_entry_points_are_loaded_for_what_nothing_else_knows(
    registry, pixels, monkeypatch, tmp_path
):
    loaded = []

    class EntryPoint:
        def load(self):
            loaded.append(1)
            register_camera()

    def entry_points(group):
        assert group == "skyshed.images"
        return [EntryPoint()]

    monkeypatch.setattr(door, "entry_points", entry_points)
    fits.writeto(tmp_path / "a.fits", pixels)
    open_image(tmp_path / "a.fits")
    assert not loaded
    for _ in range(2):
        assert isinstance(open_image(Camera([pixels])).image, CameraSource)
        open_image(pixels)
    assert loaded == [1]


def test_what_is_registered_last_is_tried_first(registry, pixels, tmp_path):
    fits.writeto(tmp_path / "a.fits", pixels)
    for number in (1, 2):

        @register(lambda given: str(given).endswith("a.fits"))
        def open_mine(given, name, number=number):
            return OpenedImage(CameraSource(pixels + number))

        found = open_image(tmp_path / "a.fits").image.read(Window(0, 3, 0, 4))
        np.testing.assert_array_equal(found, pixels + number)
    fits.writeto(tmp_path / "b.fits", pixels)
    assert isinstance(open_image(tmp_path / "b.fits").image, FitsSource)


def test_what_other_packages_register_does_not_take_over(registry, pixels, monkeypatch, tmp_path):
    """Whether or not their formats have been loaded before, for something else."""
    fits.writeto(tmp_path / "a.fits", pixels)

    class EntryPoint:
        def load(self):
            register_camera()
            register(lambda given: True)(lambda given, name: OpenedImage(CameraSource(pixels)))

    monkeypatch.setattr(door, "entry_points", lambda group: [EntryPoint()])
    assert isinstance(open_image(Camera([pixels])).image, CameraSource)
    for _ in range(2):
        assert isinstance(open_image(tmp_path / "a.fits").image, FitsSource)
        assert isinstance(open_image(object()).image, CameraSource)


def test_a_path_is_named_as_it_is_given_in_messages():
    for path in ("absent.fits", Path("absent.fits"), "absent.fits[SCI]"):
        with pytest.raises(FileNotFoundError, match=r"^absent\.fits: there is no such file$"):
            open_image(path)


def test_what_is_no_file_is_refused_at_the_door(tmp_path):
    os.mkfifo(tmp_path / "pipe.fits")
    for path, kind in ((tmp_path / "pipe.fits", "a pipe"), ("/dev/zero", "a device or socket")):
        for argument in ("image", "mask"):
            given = {"image": np.zeros((4, 4)), argument: path}
            with pytest.raises(ValueError, match=f"{argument} must be a file, and .* is {kind}"):
                extract(**given)
    with pytest.raises(TypeError, match="image must be an image or the path of one, got None"):
        extract(None)

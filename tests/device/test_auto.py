"""``device="auto"``: a GPU where there is one and it pays; the record says which, and why."""

import importlib.util
import re
import sys

import numpy as np
import pytest
from astropy.io import fits

import skyshed
from skyshed.cli import main
from skyshed.images import cut, open_image
from skyshed.output import read_catalog
from tests.device import standin
from tests.images.files import stars


def extraction(name):
    """Return a module of the package, as it is now: the stand-in has modules imported anew."""
    __import__(f"skyshed.extraction.{name}")
    return sys.modules[f"skyshed.extraction.{name}"]


@pytest.fixture
def gpu(monkeypatch):
    """The stand-in, and images of any size that pay."""
    with standin.in_place() as cupy:
        monkeypatch.setattr(extraction("device"), "LEAST_PIXELS", 0)
        yield cupy


def test_without_a_gpu_it_is_the_cpu(monkeypatch):
    monkeypatch.setattr(extraction("device"), "LEAST_PIXELS", 0)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "cupy" else find(name, *more),
    )
    found = skyshed.extract(stars(), device="auto", n_threads=1)
    assert found.record["device"] == "cpu (auto: CuPy is not installed)"
    assert isinstance(found.segmentation.data, np.ndarray)


def test_small_images_do_not_wait_for_a_gpu():
    with standin.in_place():
        found = skyshed.extract(stars(), device="auto", n_threads=1)
    assert found.record["device"] == "cpu (auto: 14400 pixels are done before a GPU has begun)"


def test_what_is_asked_for_is_not_in_the_record():
    assert "device" not in skyshed.extract(stars(), device="cpu", n_threads=1).record


def test_with_a_gpu_it_is_the_gpu(gpu):
    found = skyshed.extract(stars(), device="auto", n_threads=1)
    assert isinstance(found.segmentation.data, gpu.ndarray)
    said = "cuda (auto: a GPU is there, and the image fits into its memory)"
    assert found.record["device"] == said
    assert len(found.table) == 9


def test_images_of_a_gpu_stay_there(gpu):
    image = gpu.asarray(stars())
    for given in (image, cut(open_image(image).image, open_image(image).image.everything)):
        found = skyshed.extract(given, device="auto", n_threads=1)
        assert found.record["device"] == "cuda (auto: the image is in a GPU's memory)"
        assert isinstance(found.segmentation.data, gpu.ndarray)


@pytest.mark.parametrize(
    ("on_gpu", "on_host", "said"),
    [
        (10**5, 10**12, r"cpu \(auto: 403 kB of a GPU's memory are needed, 60 kB are there\)"),
        (10**5, 10**5, r"cuda \(auto: a GPU is there, and the image fits into no memory\)"),
        (10**12, 10**5, r"cuda \(auto: a GPU is there, and the image fits into its memory\)"),
    ],
)
def test_memory_decides(gpu, monkeypatch, on_gpu, on_host, said):
    module = extraction("device")
    monkeypatch.setattr(
        module, "available", lambda device=None: on_gpu if device == "cuda" else on_host
    )
    request = extraction("entry").open_request(stars(), device="auto")
    assert re.fullmatch(said, request.noted["device"]), request.noted["device"]
    assert request.exposure.device == request.noted["device"].split()[0]


def test_a_gpu_that_is_too_old_is_left_alone(gpu, monkeypatch):
    monkeypatch.setattr(gpu.cuda.Device, "compute_capability", "61")
    request = extraction("entry").open_request(stars(), device="auto")
    said = "cpu (auto: the GPU's compute capability is 6.1, less than 7.5)"
    assert request.noted["device"] == said


def test_other_machines_are_not_looked_at():
    for call in (
        skyshed.extract,
        lambda image, **more: next(skyshed.extract_each([image], **more)),
    ):
        with pytest.raises(
            ValueError, match="device='auto' looks at this machine, and a scheduler"
        ):
            call(stars(), device="auto", scheduler="tcp://127.0.0.1:1")


def test_the_command_line_and_all_images_take_it(tmp_path, capsys):
    fits.writeto(tmp_path / "image.fits", stars())
    out = tmp_path / "out"
    assert (
        main(["extract", str(tmp_path / "image.fits"), "--device", "auto", "--out", str(out)]) == 0
    )
    said = "cpu (auto: 14400 pixels are done before a GPU has begun)"
    assert read_catalog(out / "catalog.fits").meta["record"]["device"] == said
    (outcome,) = skyshed.extract_each([stars()], device="auto", n_threads=1)
    assert outcome.extraction.record["device"].startswith("cpu (auto: 14400 pixels")


def test_what_is_no_device_is_refused():
    with pytest.raises(ValueError, match="device must be"):
        skyshed.extract(stars(), device="gpu")

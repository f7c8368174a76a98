"""Results are sent to whatever program is at the hub of SAMP and takes them."""

import threading

import pytest
from astropy.io import fits
from astropy.table import Table

from skyshed.cli import main
from skyshed.output.samp import _library
from tests.pipeline_field import make_field, make_wcs

samp = _library()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub of this process, which clients find by a file that no other program knows."""
    lock = tmp_path / "samp"
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:file://{lock}")
    hub = samp.SAMPHubServer(web_profile=False, lockfile=str(lock), addr="127.0.0.1", port=0)
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.fits"
    fits.PrimaryHDU(make_field(), make_wcs().to_header()).writeto(path)
    return path


class Listener:
    """A program that takes tables and images, and answers when it has them."""

    def __init__(self, name, *kinds, answers=True):
        self.answers = answers
        self.client = samp.SAMPIntegratedClient(metadata={"samp.name": name})
        self.client.connect()
        self.got, self.came = [], threading.Semaphore(0)
        for kind in kinds:
            self.client.bind_receive_call(kind, self.take)

    def take(self, private_key, sender, message, kind, parameters, extra):
        self.got.append((kind, parameters["url"].removeprefix("file://")))
        if self.answers:
            self.client.ereply(message, samp.SAMP_STATUS_OK, result={})
        self.came.release()

    def wait(self, n):
        assert all(self.came.acquire(timeout=300) for _ in range(n))


@pytest.mark.parametrize("format", ["fits", "votable"])
def test_programs_get_the_catalog_and_the_images_that_they_take(
    hub, image, tmp_path, format, capsys
):
    topcat = Listener("topcat", f"table.load.{format}")
    ds9 = Listener("DS9", "image.load.fits")
    options = ["--samp", "--format", format, "--maps", "background", "--no-preview"]
    assert main(["extract", str(image), "--out", str(tmp_path / "o"), *options]) == 0
    topcat.wait(1)
    ds9.wait(3)
    ((kind, path),) = topcat.got
    assert kind == f"table.load.{format}"
    assert len(Table.read(path, format=format)) > 10
    names = {path.rpartition("/")[2] for _, path in ds9.got}
    assert names == {"image.fits", "segmentation.fits", "map_background.fits"}
    assert "sent to DS9, topcat" in capsys.readouterr().out
    for listener in (topcat, ds9):
        listener.client.disconnect()


def test_a_program_that_never_answers_is_not_waited_for_without_end(
    hub, image, tmp_path, monkeypatch
):
    monkeypatch.setattr("skyshed.output.samp.ANSWER", 1)
    silent = Listener("silent", "image.load.fits", "table.load.fits", answers=False)
    options = ["--samp", "--no-preview", "--quiet"]
    assert main(["extract", str(image), "--out", str(tmp_path / "o"), *options]) == 0
    silent.wait(3)
    silent.client.disconnect()


def test_without_a_hub_nothing_is_done(image, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:file://{tmp_path / 'none'}")
    assert main(["extract", str(image), "--out", str(tmp_path / "o"), "--samp"]) == 2
    assert "--samp: no hub of SAMP is running" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_formats_without_a_message_are_refused(image, tmp_path, capsys):
    options = ["--out", str(tmp_path / "o"), "--samp", "--format", "parquet"]
    assert main(["extract", str(image), *options]) == 2
    assert "choose --format votable" in capsys.readouterr().err

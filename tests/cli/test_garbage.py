"""Commands that work for long look for garbage: what Dask and others leave in circles is let go."""

import gc

import pytest

from skyshed import cli, quality


@pytest.fixture
def left_alone():
    """Leave garbage alone, as a command does as it begins."""
    threshold = gc.get_threshold()
    gc.disable()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()
    gc.enable()


def arguments_of(name, folder):
    listing = folder / "list.txt"
    listing.write_text("a.fits\n")
    return {
        "survey": ["survey", str(listing), "--out", str(folder / "out")],
        "quality": ["quality", "a.fits", "--psf-fwhm", "3", "--out", str(folder / "out"),
                    "--no-picture"],
    }[name]  # fmt: skip


@pytest.mark.parametrize("name", ["survey", "quality"])
def test_garbage_is_collected_once_the_work_begins(left_alone, tmp_path, monkeypatch, name):
    surveys = pytest.importorskip("skyshed.surveys")
    seen = []

    def work(*arguments, **options):
        seen.append(gc.isenabled())
        raise ValueError("enough")

    monkeypatch.setattr(surveys, "survey", work)
    monkeypatch.setattr(quality, "assess", work)
    assert cli.main(arguments_of(name, tmp_path)) != 0
    assert seen == [True]

"""A damaged catalog is read as it is, or refused in one line with its name."""

import os
import shutil
import warnings

import numpy as np
import pytest

from skyshed import extract
from skyshed.output.catalogs import read_catalog
from skyshed.output.results import FORMATS


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogs")
    image = np.random.default_rng(1).normal(10, 1, (64, 64))
    image[30:34, 40:44] += 50
    found = extract(image, nsigma=5, n_threads=1)
    for format in FORMATS:
        found.write(folder / format, format, preview=False)
    return {format: folder / format / f"catalog.{format}" for format in FORMATS}


@pytest.mark.parametrize("format", FORMATS)
def test_a_damaged_catalog_is_named(catalogs, format, tmp_path):
    content, refused = catalogs[format].read_bytes(), 0
    path = tmp_path / f"bad.{format}"
    if FORMATS[format].beside:
        beside = FORMATS[format].beside
        shutil.copy(f"{catalogs[format]}{beside}", f"{path}{beside}")
    for n in range(60):
        rng = np.random.default_rng(n)
        changed = bytearray(content)
        if n % 4 == 0:
            del changed[int(rng.integers(len(content))) :]
        else:
            changed[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read_catalog(path)
        except OSError as error:
            refusal = str(error)
        else:
            continue
        assert refusal.startswith(f"{path} is damaged, or no catalog of skyshed (")
        assert "\n" not in refusal
        refused += 1
    assert refused > 12


def test_what_is_not_there_is_said_to_be_that(tmp_path):
    for format in FORMATS:
        with pytest.raises(FileNotFoundError, match=rf"absent\.{format}"):
            read_catalog(tmp_path / f"absent.{format}")
        os.mkdir(tmp_path / f"folder.{format}")
        with pytest.raises(OSError, match=rf"folder\.{format}"):
            read_catalog(tmp_path / f"folder.{format}")

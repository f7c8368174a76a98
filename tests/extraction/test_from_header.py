"""Parameters that name a card have its number, and the record says which card that was."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

from skyshed import SEGMENTATION_FLAGS, Parameters, extract, extract_each
from skyshed.cli import main
from skyshed.output.catalogs import read_catalog
from tests.images.files import stars
from tests.mosaic.fields import by_tiles, same_tables
from tests.pipeline_field import used

CARDS = {"MAGZERO": 25.3, "GAIN": 2.5, "EXPTIME": 30.0, "SATURATE": 65.0, "NOGAIN": -1.0}


@pytest.fixture
def path(tmp_path):
    fits.writeto(tmp_path / "image.fits", stars(), fits.Header(CARDS))
    return tmp_path / "image.fits"


def test_a_card_gives_what_its_number_gives(path):
    names = {
        "zero_point": "magzero", "effective_gain": "GAIN", "exposure_time": "EXPTIME",
        "saturation": "SATURATE",
    }  # fmt: skip
    numbers = {name: CARDS[card.upper()] for name, card in names.items()}
    found, expected = extract(path, **names), extract(path, **numbers)
    assert same_tables(found.table, expected.table)
    assert used(found) == expected.parameters == Parameters(**numbers)
    # As they were given, they hold for other images, too.
    assert found.parameters == Parameters(**names)
    assert found.record["zero_point_card"] == f"MAGZERO = 25.3 of {path}[0]"
    assert {f"{name}_card" for name in names} <= found.record.keys()
    assert not any(name.endswith("_card") for name in expected.record)
    assert np.allclose(
        found.table["kron_mag"].value, 25.3 - 2.5 * np.log10(found.table["kron_flux"]), rtol=1e-12
    )


def test_an_exposure_time_multiplies_the_gain(path):
    found = extract(path, effective_gain="GAIN", exposure_time="EXPTIME")
    assert same_tables(found.table, extract(path, effective_gain=75.0).table)


@pytest.mark.parametrize("unit", ["adu", "electron", "ct / pix"])
def test_an_exposure_time_is_refused_for_counts(unit):
    with pytest.raises(ValueError, match="for data per second, and the image is in"):
        extract(stars() << u.Unit(unit), effective_gain=2, exposure_time=30)
    with pytest.raises(ValueError, match="exposure_time multiplies effective_gain"):
        extract(stars(), exposure_time=30)


@pytest.mark.parametrize("unit", ["electron / s", "MJy / sr", "nJy"])
def test_an_exposure_time_is_of_rates(unit):
    assert len(extract(stars() << u.Unit(unit), effective_gain=2, exposure_time=30).table) == 9


def test_a_card_that_is_not_there_is_refused(path):
    with pytest.raises(ValueError, match=r"zero_point .* card, PHOTZP, and .* no such card"):
        extract(path, zero_point="PHOTZP")
    with pytest.raises(ValueError, match=r"NOGAIN = -1.0 .*: effective_gain must be"):
        extract(path, effective_gain="NOGAIN")
    with pytest.raises(ValueError, match="the ndarray has no header"):
        extract(stars(), zero_point="MAGZERO")


def test_each_image_has_its_own_number(tmp_path):
    for name, zero in (("a", 25.0), ("b", 26.0)):
        fits.writeto(tmp_path / f"{name}.fits", stars(), fits.Header({"MAGZERO": zero}))
    images = [tmp_path / "a.fits", tmp_path / "b.fits"]
    one, two = (each.extraction for each in extract_each(images, zero_point="MAGZERO"))
    assert np.allclose(two.table["kron_mag"].value - one.table["kron_mag"].value, 1)
    assert [used(each).zero_point for each in (one, two)] == [25.0, 26.0]


def saturated(found):
    return (found.table["flags"] & SEGMENTATION_FLAGS.SATURATED) > 0


def test_sources_with_a_saturated_pixel_are_flagged(path):
    image = stars()
    image[20, 20] = image[60, 100] = 500
    with_it = extract(image, saturation=500)
    x, y = (with_it.table[name].value for name in ("xcentroid", "ycentroid"))
    places = {(round(a / 20) * 20, round(b / 20) * 20) for a, b in zip(x, y, strict=True)}
    assert len(places) == 9
    flagged = {
        (round(a / 20) * 20, round(b / 20) * 20)
        for a, b in zip(x[saturated(with_it)], y[saturated(with_it)], strict=True)
    }
    assert flagged == {(20, 20), (100, 60)}
    assert not saturated(extract(image, saturation=500.5)).any()
    assert not saturated(extract(image)).any()
    names = with_it.catalog.decode_flags()
    assert sum("saturated" in each for each in names.values()) == 2


def test_saturation_is_the_same_by_tiles(path):
    whole = extract(path, saturation=71.0, effective_gain="GAIN")
    tiles = by_tiles(path, (64, 64), saturation=71.0, effective_gain="GAIN")
    assert 0 < saturated(whole).sum() < 9
    assert same_tables(whole.table, tiles.table)
    assert tiles.record["effective_gain_card"] == whole.record["effective_gain_card"]


def test_a_masked_pixel_is_saturated_all_the_same():
    image, labels = stars(), np.zeros((120, 120), int)
    image[20, 20] = 900
    labels[18:23, 18:23] = 3
    labels[58:63, 58:63] = 8
    found = extract(image, segmentation=labels, mask=image > 800, saturation=800)
    assert saturated(found).tolist() == [True, False]


def test_the_command_takes_cards_and_records_them(path, tmp_path, capsys):
    status = main(
        ["extract", str(path), "--out", str(tmp_path / "out"), "--no-preview", "-q",
         "--zero-point", "MAGZERO", "--saturation", "SATURATE", "--effective-gain", "2"]
    )  # fmt: skip
    assert status == 0
    table = read_catalog(tmp_path / "out" / "catalog.fits")
    assert same_tables(table, extract(path, zero_point=25.3, saturation=65, effective_gain=2).table)
    with fits.open(tmp_path / "out" / "catalog.fits") as hdus:
        record = dict(hdus["RECORD"].data.tolist())
    assert record["zero_point_card"].startswith("MAGZERO = 25.3 of ")
    assert float(record["zero_point"]) == 25.3
    assert 'zero_point = "MAGZERO"' in (tmp_path / "out" / "parameters.toml").read_text()
    assert main(["extract", str(path), "--out", str(tmp_path / "x"), "--zero-point", "PHOTZP"]) == 2
    assert "PHOTZP" in capsys.readouterr().err


def test_a_card_may_be_of_a_header_in_memory(path):
    image = CCDData(stars(), unit="adu", meta=fits.getheader(path))
    found = extract(image, zero_point="MAGZERO")
    assert used(found).zero_point == CARDS["MAGZERO"]
    assert found.record["zero_point_card"] == "MAGZERO = 25.3 of image"

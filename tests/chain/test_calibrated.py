"""Flux densities and AB magnitudes in the table: of what, where from, and the same every way."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

from skyshed import Parameters, extract, extract_each
from skyshed.chain.columns import FLUXES
from skyshed.cli import main
from skyshed.exceptions import ImageWarning
from skyshed.output.catalogs import read_catalog
from skyshed.output.one_table import OneTable
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import make_wcs, same_tables

SHAPE = (96, 112)
#: Magnitudes of the stars in the file.
AB = np.array([20.0, 21.0, 22.0, 20.5])
#: The AB zero point of a count per second, and seconds.
ZERO_POINT, SECONDS = 25.5, 500.0
SETTINGS = {"box_size": 32, "aperture_radii": (8,), "n_threads": 1}
COLUMNS = [
    f"{name}_{kind}"
    for name in (*FLUXES, "aperture_8")
    for kind in ("flux_ujy", "fluxerr_ujy", "abmag", "abmagerr")
]


def stars(scale=1.0):
    """Return an image of four stars, whose unit has the AB zero point 27.5, by ``scale``."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    image = np.random.default_rng(3).normal(100, 0.03, SHAPE)
    for (y0, x0), magnitude in zip([(24, 24), (24, 80), (70, 30), (68, 84)], AB, strict=True):
        flux = 10 ** (-0.4 * (magnitude - 27.5))
        image += flux / (8 * np.pi) * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 8)
    return (image * scale).astype(np.float32)


def nanojansky():
    return stars(10 ** (0.4 * (31.4 - 27.5)))


def hst(folder):
    """Write counts, with the sensitivity in the extension and the time in the primary header."""
    pivot = 8000.0
    flam = 10 ** (-0.4 * (ZERO_POINT + 2.408 + 5 * np.log10(pivot)))
    counts = stars(SECONDS * 10 ** (0.4 * (ZERO_POINT - 27.5)))
    header = make_wcs().to_header()
    header.update({"BUNIT": "ELECTRONS", "PHOTFLAM": flam, "PHOTPLAM": pivot})
    primary = fits.PrimaryHDU(header=fits.Header({"EXPTIME": SECONDS}))
    path = folder / "flt.fits"
    fits.HDUList([primary, fits.ImageHDU(counts, header, "SCI")]).writeto(path)
    return path


def truth(table):
    """Check the magnitudes and flux densities of a table."""
    brightest = np.argsort(AB)
    order = np.argsort(table["aperture_8_abmag"])
    expected = AB[brightest]
    np.testing.assert_allclose(table["aperture_8_abmag"][order].value, expected, atol=0.01)
    density = (expected * u.ABmag).to_value(u.uJy)
    np.testing.assert_allclose(table["kron_flux_ujy"][order].to_value(u.uJy), density, rtol=0.02)
    for name in (*FLUXES, "aperture_8"):
        relative = (table[f"{name}_fluxerr"] / table[f"{name}_flux"]).value
        density, error = table[f"{name}_flux_ujy"], table[f"{name}_fluxerr_ujy"]
        np.testing.assert_allclose((error / density).value, relative, rtol=1e-9)
        magnitude = density.to(u.ABmag).value
        np.testing.assert_allclose(table[f"{name}_abmag"].value, magnitude, atol=1e-6)
        np.testing.assert_allclose(
            table[f"{name}_abmagerr"].value, 2.5 / np.log(10) * relative, rtol=1e-9
        )


def test_a_calibrated_file_gives_the_magnitudes_of_its_stars_at_once_and_by_tiles(tmp_path):
    path = hst(tmp_path)
    whole = extract(path, **SETTINGS)
    truth(whole.table)
    assert [name for name in whole.table.colnames if name in COLUMNS] == COLUMNS
    tiled = by_tiles(path, (48, 64), **SETTINGS)
    assert same_tables(whole.table, tiled.table)
    (each,) = extract_each([path], **SETTINGS)
    assert same_tables(whole.table, each.extraction.table)
    region = extract(path, region="0:50,0:112", **SETTINGS)
    assert region.record["zero_point_ab"] == whole.record["zero_point_ab"]
    for found in (whole, tiled, each.extraction):
        for told in (found.record, found.table.meta):
            assert float(told["zero_point_ab"]) == pytest.approx(
                ZERO_POINT + 2.5 * np.log10(SECONDS), abs=1e-4
            )
            for text in ("PHOTFLAM = ", "PHOTPLAM = 8000", "EXPTIME = 500 s"):
                assert text in told["zero_point_source"]


@pytest.mark.parametrize(
    "given",
    [
        nanojansky() << u.nJy,
        fits.PrimaryHDU(nanojansky(), fits.Header({"BUNIT": "nJy"})),
        fits.HDUList([fits.PrimaryHDU(stars(), fits.Header({"FLUXMAG0": 10**11.0}))]),
        CCDData(stars(), unit="adu", meta=fits.Header({"FLUXMAG0": 10**11.0})),
    ],
    ids=["Quantity", "HDU", "HDUList", "CCDData"],
)
def test_objects_in_memory_are_calibrated_by_their_unit_and_header(given):
    truth(extract(given, **SETTINGS).table)


def test_arrays_are_calibrated_by_a_zero_point_that_is_said_to_be_ab():
    found = extract(stars(), zero_point=27.5, zero_point_system="AB", **SETTINGS)
    truth(found.table)
    assert "kron_mag" not in found.table.colnames  # the same once more, in no system that it says
    assert found.record["zero_point_source"] == "zero_point = 27.5, AB, as given"


@pytest.mark.parametrize("system", [None, "Vega"])
def test_a_zero_point_of_another_system_gives_magnitudes_alone_also_over_a_header(system):
    found = extract(nanojansky() << u.nJy, zero_point=30, zero_point_system=system, **SETTINGS)
    for name in ("kron_mag", "kron_magerr"):
        about = found.table[name].info.description
        assert {None: "nstrumental magnitude", "Vega": "Vega magnitude"}[system] in about
        assert ("whose system is not given" in about) is (system is None)
    assert not set(COLUMNS) & set(found.table.colnames)
    assert "zero_point_ab" not in found.record


def test_a_zero_point_that_is_given_goes_before_the_header():
    found = extract(nanojansky() << u.nJy, zero_point=32.4, zero_point_system="AB", **SETTINGS)
    order = np.argsort(found.table["kron_abmag"])
    np.testing.assert_allclose(found.table["kron_abmag"][order].value - 1, np.sort(AB), atol=0.02)


def test_contradictions_are_not_looked_for_where_nothing_is_asked_of_the_header(recwarn):
    header = fits.Header({"BUNIT": "nJy", "FLUXMAG0": 10**11.0})
    hdu = fits.PrimaryHDU(nanojansky(), header)
    with pytest.warns(ImageWarning, match="the header contradicts itself"):
        plain = extract(hdu, **SETTINGS)
    recwarn.clear()
    for options in ({"calibrate": False}, {"zero_point": 31.4}):
        found = extract(hdu, **SETTINGS, **options)
        assert not set(COLUMNS) & set(found.table.colnames)
    assert not [each for each in recwarn if "contradicts" in str(each.message)]
    assert not set(COLUMNS) & set(plain.table.colnames)


@pytest.mark.parametrize("zero_point", [None, 27.5])
@pytest.mark.parametrize("system", [None, "AB", "Vega"])
def test_a_flux_is_in_one_system_of_magnitudes_which_its_columns_name(zero_point, system):
    if zero_point is None and system is not None:
        pytest.skip("a system of nothing")
    table = extract(
        nanojansky() << u.nJy, zero_point=zero_point, zero_point_system=system,
        **{**SETTINGS, "aperture_radii": (3,)},
    ).table  # fmt: skip
    for flux in ("kron", "segment", "aperture_3"):
        names = [name for name in (f"{flux}_mag", f"{flux}_abmag") if name in table.colnames]
        assert len(names) == 1
        word = system or ("AB" if zero_point is None else "nstrumental")
        for name in (names[0], f"{names[0]}err"):
            assert f"{word} magnitude of the {flux.replace('_', ' ')} flux" in (
                table[name].info.description
            )
        assert (f"{flux}_flux_ujy" in table.colnames) is ("AB" in word)


def test_magnitudes_in_different_systems_fit_into_no_table(tmp_path):
    together = OneTable(tmp_path, ["a", "b"])
    tables = [
        extract(stars(), zero_point=27.5, zero_point_system=system, **SETTINGS).table
        for system in ("Vega", None)
    ]
    together.add(tables[0], "a", None)
    with pytest.raises(ValueError, match="these differ: in units or descriptions"):
        together.add(tables[1], "b", None)
    together.finish(Parameters(), {})


def test_only_fluxes_that_are_in_the_table_are_calibrated():
    image = nanojansky() << u.nJy
    table = extract(image, columns=("label", "kron_flux", "derived"), box_size=32).table
    assert "kron_abmag" in table.colnames
    assert "segment_abmag" not in table.colnames
    bare = extract(image, columns=("label", "derived"), box_size=32).table
    assert "kron_abmag" not in bare.colnames


def test_a_table_of_no_sources_has_the_same_columns():
    flat = np.random.default_rng(0).normal(0, 1, SHAPE) << u.nJy
    with pytest.warns(Warning, match="No sources"):
        empty = extract(flat, nsigma=50, **SETTINGS).table
    table = extract(nanojansky() << u.nJy, **SETTINGS).table
    assert [(name, table[name].unit) for name in table.colnames if name != "name"] == [
        (name, empty[name].unit) for name in empty.colnames
    ]


def test_magnitudes_of_fluxes_that_are_not_positive_are_nan():
    image = nanojansky()
    labels = np.zeros(SHAPE, np.int32)
    labels[50:53, 50:53] = 1
    image[50:53, 50:53] -= 5000
    table = extract(image << u.nJy, segmentation=labels, box_size=32).table
    assert table["segment_flux_ujy"][0] < 0
    assert np.isnan(table["segment_abmag"][0])


@pytest.mark.parametrize("format", ["fits", "ecsv", "parquet"])
def test_written_catalogs_and_the_summary_say_where_the_zero_point_comes_from(
    format, tmp_path, capsys
):
    path = hst(tmp_path)
    out = tmp_path / "out"
    assert main(["extract", str(path), "--out", str(out), "--box-size", "32", "--no-preview",
                 "--format", format]) == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "AB magnitude 32.247 (PHOTFLAM = " in said
    catalog = read_catalog(out / f"catalog.{format}")
    assert catalog.meta["record"]["zero_point_source"].startswith("PHOTFLAM")
    assert catalog["kron_flux_ujy"].unit == u.uJy
    assert main(["extract", str(path), "--out", str(out), "--box-size", "32", "--no-preview",
                 "--format", format, "--no-calibrate"]) == 0  # fmt: skip
    assert "AB magnitude" not in capsys.readouterr().out
    assert "kron_abmag" not in read_catalog(out / f"catalog.{format}").colnames


def test_a_resumed_run_has_the_calibration_that_it_was_begun_with(tmp_path):
    image = np.array(stars())
    folder = tmp_path / "workspace"
    first = extract(image, workspace=folder, zero_point=27.5, zero_point_system="AB", **SETTINGS)
    again = extract(image, workspace=folder, zero_point=27.5, zero_point_system="AB", **SETTINGS)
    assert same_tables(first.table, again.table)
    with pytest.raises(Exception, match="restart"):
        extract(image, workspace=folder, zero_point=27.5, **SETTINGS)

"""Sources are matched against lists as SExtractor's ASSOC does it."""

import dataclasses

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.cli import main
from skyshed.output import read_catalog
from skyshed.sextractor import Association, read_association
from tests.mosaic.fields import at_once, by_tiles
from tests.output.page.pages import Page
from tests.pipeline_field import make_field, make_wcs

BOX = {"box_size": 16}


@pytest.fixture(scope="module")
def found():
    return extract(make_field().astype(float), **BOX)


def some(found, **options):
    """Return a list with some of the sources, two entries near the first, and one far away."""
    x, y = np.asarray(found.table["xcentroid"])[::3], np.asarray(found.table["ycentroid"])[::3]
    x, y = np.append(x, [x[0] + 0.5, -50]), np.append(y, [y[0], -50])
    values = np.column_stack([np.arange(x.size) + 15.0, 2 * np.arange(x.size)])
    return Association(x, y, values, **{"radius": 1.0, **options})


def direct(association, x, y):
    """Return the list's entries near a position, the nearest first."""
    distance = np.hypot(association.x - x, association.y - y)
    near = np.flatnonzero(distance <= association.radius)
    return near[np.argsort(distance[near], kind="stable")]


JOINED = {
    "nearest": lambda values: values[0], "mean": lambda values: values.mean(axis=0),
    "sum": lambda values: values.sum(axis=0), "min": lambda values: values.min(axis=0),
    "max": lambda values: values.max(axis=0),
    "mag_sum": lambda values: -2.5 * np.log10((10 ** (-0.4 * values)).sum(axis=0)),
    "mag_mean": lambda values: -2.5 * np.log10((10 ** (-0.4 * values)).mean(axis=0)),
}  # fmt: skip


@pytest.mark.parametrize("kind", JOINED)
def test_entries_within_the_radius_are_joined(found, kind):
    association = some(found, kind=kind, select="all")
    table = extract(make_field().astype(float), association=association, **BOX).table
    assert len(table) == len(found.table)
    for row in table:
        near = direct(association, row["xcentroid"], row["ycentroid"])
        assert row["NUMBER_ASSOC"] == near.size
        expected = JOINED[kind](association.values[near]) if near.size else [0, 0]
        np.testing.assert_allclose(row["VECTOR_ASSOC"], expected, rtol=1e-12)
    assert table["NUMBER_ASSOC"].max() == 2


@pytest.mark.parametrize("select", ["matched", "unmatched"])
@pytest.mark.parametrize("columns", [None, ("NUMBER", "X_IMAGE")])
def test_the_table_has_the_sources_that_are_asked_for(found, select, columns, tmp_path):
    association = some(found, select=select)
    data = make_field().astype(float)
    whole = at_once(data, association=association, columns=columns, **BOX)
    tiled = by_tiles(
        data, (48, 32), companions={"association": association}, columns=columns, **BOX
    )
    everything = dataclasses.replace(association, select="all")
    number = np.asarray(extract(data, association=everything, **BOX).table["NUMBER_ASSOC"])
    expected = np.asarray(found.table["label"])[(number > 0) == (select == "matched")]
    name = "label" if columns is None else "NUMBER"
    for result in (whole, tiled):
        assert result.table[name].tolist() == expected.tolist()
        result.write(tmp_path, preview=False)
        assert read_catalog(tmp_path / "catalog.fits")[name].tolist() == expected.tolist()


def test_a_list_without_neighbours_leaves_an_empty_table(tmp_path):
    far = Association([-99.0], [-99.0], [[1.0]])
    found = extract(make_field().astype(float), association=far, **BOX)
    assert len(found.table) == 0
    assert found.segmentation.nlabels > 10
    found.write(tmp_path, preview=False)
    assert len(read_catalog(tmp_path / "catalog.fits")) == 0


@pytest.mark.parametrize("format", ["ldac", "csv"])
def test_a_table_of_no_rows_needs_no_label(tmp_path, format):
    far = Association([-50.0], [-50.0], [[1.0]], radius=1)
    found = extract(make_field(), association=far, columns=("NUMBER", "X_IMAGE"), **BOX)
    found.write(tmp_path, format, preview=False)
    assert len(read_catalog(tmp_path / f"catalog.{format}")) == found.n_rows == 0


def test_the_report_and_the_command_tell_of_the_rows_that_are_kept(found, tmp_path, capsys):
    data = make_field().astype(float)
    run = extract(data, association=some(found), **BOX)
    run.report(tmp_path / "report.html")
    rows = Page(tmp_path / "report.html").about["table"]["n"]
    assert rows == len(run.table) < len(found.table)
    fits.writeto(tmp_path / "image.fits", data)
    table = run.table[:3]
    lines = [f"{x + 1} {y + 1} 1" for x, y in table["xcentroid", "ycentroid"].iterrows()]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    (tmp_path / "a.param").write_text("NUMBER\nNUMBER_ASSOC\n")
    settings = {
        "PARAMETERS_NAME": tmp_path / "a.param", "ASSOC_NAME": tmp_path / "list.txt",
        "ASSOC_PARAMS": "1,2", "ASSOC_DATA": "3", "ASSOC_RADIUS": "1.0", "FILTER": "N",
        "ASSOCSELEC_TYPE": "MATCHED", "BACK_SIZE": "16",
    }  # fmt: skip
    config = tmp_path / "a.sex"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    image, out = str(tmp_path / "image.fits"), str(tmp_path / "out")
    assert main(["extract", image, "--sextractor", str(config), "--out", out]) == 0
    n = len(read_catalog(tmp_path / "out" / "catalog.fits"))
    assert f"\n{n} of " in "\n" + capsys.readouterr().out


def test_positions_on_the_sky_are_those_of_the_wcs(found):
    wcs, pixels = make_wcs(), some(found)
    sky = wcs.pixel_to_world(pixels.x, pixels.y)
    world = Association(sky.ra.deg, sky.dec.deg, pixels.values, radius=1.0, world=True)
    data = make_field().astype(float)
    tables = [extract(data, wcs=wcs, association=each, **BOX).table for each in (pixels, world)]
    np.testing.assert_array_equal(*(table["VECTOR_ASSOC"] for table in tables))
    with pytest.raises(ValueError, match="the image no WCS"):
        extract(data, association=world, **BOX)


def test_a_list_in_a_file_counts_from_1(tmp_path):
    path = tmp_path / "list"
    path.write_text("# x y mag\n11.5 21.0 17\n 3 4 18 # faint\n")
    found = read_association(str(path), (1, 2), (3, 1))
    assert found.x.tolist() == [10.5, 2.0]
    assert found.values.tolist() == [[17, 11.5], [18, 3]]
    for places, data in (((1, 4), (3,)), ((1, 2), (9,)), ((0, 2), (1,))):
        with pytest.raises(ValueError, match="must be columns"):
            read_association(str(path), places, data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "best"}, "kind of"),
        ({"select": "-MATCHED"}, "select of"),
        ({"radius": 0}, "radius"),
    ],
)
def test_a_bad_option_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Association([1.0], [1.0], [[1.0]], **options)

"""The report: what it holds is what was measured, and nothing of it is ever markup."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import Parameters, extract, extract_bands
from skyshed.cli import main
from skyshed.output import page as package
from skyshed.output.page import Contents, PixelLayer, write_page
from skyshed.output.page.pixels import SOFTENING, STEP, TILE, tiles_of_sources
from tests.output.page.pages import Page, addresses, hash_of
from tests.pipeline_field import SHAPE, make_field, make_wcs

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&quot;\u2028'\"`"


def made(found, tmp_path):
    found.report(tmp_path / "report.html")
    return Page(tmp_path / "report.html")


def contents(image, labels, **options):
    """Return what a report of an image without a table is made from."""
    layer = PixelLayer("image", lambda y0, y1, x0, x1: image[y0:y1, x0:x1], 1.0)
    return Contents(
        title="image", shape=image.shape, n_sources=0, parts=lambda: iter(()),
        parameters=Parameters(), record={}, images=[layer],
        read_labels=lambda y0, y1, x0, x1: labels[y0:y1, x0:x1], **options,
    )  # fmt: skip


def test_columns_are_those_of_the_table(rich, tmp_path):
    page = made(rich, tmp_path)
    names = [each["name"] for each in page.about["table"]["columns"]]
    assert [name for name in rich.table.colnames if name != "sky_centroid"] == [
        name for name in names if not name.startswith("sky_centroid.")
    ]
    assert page.about["n_sources"] == page.about["table"]["n"] == len(rich.table)
    for name in ("label", "flags", "bbox_xmax"):
        assert page.column(name).tolist() == np.asarray(rich.table[name]).tolist()
    for name in ("xcentroid", "kron_flux", "kron_mag"):
        values = np.asarray(getattr(rich.table[name], "value", rich.table[name]))
        np.testing.assert_allclose(page.column(name), values, rtol=1e-6)
    np.testing.assert_allclose(page.column("ra"), rich.table["ra"].to_value("deg"), atol=1e-7)
    assert page.column("name") == rich.table["name"].tolist()
    assert (
        next(e for e in page.about["table"]["columns"] if e["name"] == "kron_flux")["unit"] == "nJy"
    )


def test_pixels_are_those_of_the_image_to_a_step_of_the_code(plain, tmp_path):
    page = made(plain, tmp_path)
    image, labels = page.about["images"][0], page.about["labels"]
    found = page.tile(image, "0/0/0")
    data, noise = np.asarray(plain.data), image["noise"]
    # Half a step of asinh(value / scale), which is a share of the slope there.
    allowed = 0.51 * max(STEP, image["tiles"]["0/0/0"][5]) * np.hypot(data, SOFTENING * noise)
    assert np.all(np.abs(found - data) <= allowed)
    assert np.array_equal(page.tile(labels, "0/0/0"), plain.segmentation.data)


def test_ellipses_are_the_apertures_of_their_rows(plain, tmp_path):
    page = made(plain, tmp_path)
    n = page.about["table"]["n"]
    found = page.block(page.about["ellipses"], "f4").reshape(5, n)
    ((labels, rows),) = plain._run.ellipses()
    order = np.argsort(labels)
    np.testing.assert_allclose(found, rows[order].T, rtol=1e-6)


def test_a_run_over_tiles_has_the_page_of_a_run_at_once(tmp_path):
    image = make_field()
    ways = (extract(image, box_size=32), extract(image, box_size=32, workspace=tmp_path / "tiles"))
    one, other = (
        found.report(tmp_path / f"{k}.html") or Page(tmp_path / f"{k}.html")
        for k, found in enumerate(ways)
    )
    for entry in ("images", "labels", "maps"):
        assert one.about[entry] == other.about[entry]
    for layer in ("images", "labels"):
        first, second = (page.about[layer] for page in (one, other))
        first, second = (each[0] if layer == "images" else each for each in (first, second))
        np.testing.assert_array_equal(one.tile(first, "0/0/0"), other.tile(second, "0/0/0"))
    for each in one.about["table"]["columns"]:
        np.testing.assert_array_equal(one.column(each["name"]), other.column(each["name"]))
    assert {row["name"] for row in other.about["times"]} == {
        row["name"] for row in one.about["times"]
    }


def test_masked_pixels_are_told_from_dark_ones(tmp_path):
    image = make_field()
    mask = np.zeros(SHAPE, bool)
    mask[5:9, 20:30] = True
    page = made(extract(image, mask=mask), tmp_path)
    assert np.array_equal(np.isnan(page.tile(page.about["images"][0], "0/0/0")), mask)


def test_coarse_levels_are_means_and_largest_labels(tmp_path):
    rng = np.random.default_rng(3)
    image = rng.normal(size=(TILE + 3, 2 * TILE + 5))
    labels = (rng.random(image.shape) > 0.99).astype(np.int32) * 7
    write_page(contents(image, labels), tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    layer = page.about["images"][0]
    assert layer["finest"] == 0
    assert layer["coarsest"] == 2
    coarse = page.tile(layer, "1/0/0")
    means = image[:TILE, : 2 * TILE].reshape(TILE // 2, 2, TILE, 2).mean(axis=(1, 3))
    scale = SOFTENING / 2  # the noise of the mean of four pixels
    assert np.all(np.abs(coarse[: TILE // 2] - means) <= 0.51 * STEP * np.hypot(means, scale))
    assert coarse.shape == ((TILE + 4) // 2, TILE)
    # The last column of blocks is half full: the mean of what there is.
    last = page.tile(layer, "1/1/0")[:, -1]
    assert np.isfinite(last).all()
    most = labels[:TILE, : 2 * TILE].reshape(TILE // 2, 2, TILE, 2).max(axis=(1, 3))
    assert np.array_equal(page.tile(page.about["labels"], "1/0/0")[: TILE // 2, :TILE], most)


def test_a_large_image_is_coarse_all_over_and_fine_where_most_sources_are(tmp_path, monkeypatch):
    monkeypatch.setattr("skyshed.output.page.pixels.MOST", 1 << 18)
    monkeypatch.setattr("skyshed.output.page.document.MOST_BYTES", 3_000_000)
    rng = np.random.default_rng(5)
    image = rng.normal(size=(4 * TILE, 4 * TILE)).astype(np.float32)
    crowded = rng.uniform((2 * TILE, 3 * TILE), (3 * TILE, 4 * TILE), (80, 2))
    for x, y in (*crowded, *rng.uniform(20, 4 * TILE - 20, (10, 2))):
        image[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] += 30
    found = extract(image, nsigma=8, background="none")
    page = made(found, tmp_path)
    layer = page.about["images"][0]
    assert layer["finest"] == 2
    assert {key for key in layer["tiles"] if key.startswith("2/")} == {"2/0/0"}
    assert "0/2/3" in layer["tiles"]
    assert len(page.text) <= 3_000_000
    own = image[3 * TILE :, 2 * TILE : 3 * TILE]
    fine = page.tile(layer, "0/2/3")
    assert np.abs(fine - own)[np.abs(own) < 3].max() < 0.2


def test_tiles_with_most_sources_come_first():
    x = np.array([10.0, 600, 610, np.nan, 5000])
    y = np.array([10.0, 20, 30, 5, 5])
    assert tiles_of_sources(x, y, (600, 1200)) == [(1, 0), (0, 0), (2, 0)]


def test_columns_and_rows_give_way_where_there_is_no_room(rich, tmp_path, monkeypatch):
    n = len(rich.table)
    monkeypatch.setattr("skyshed.output.page.document.TABLE_BYTES", 30 * n)
    page = made(rich, tmp_path)
    names = [each["name"] for each in page.about["table"]["columns"]]
    assert {"label", "xcentroid", "ycentroid", "flags"} <= set(names)
    assert "bbox_xmin" in page.about["table"]["left_out"]
    monkeypatch.setattr("skyshed.output.page.document.TABLE_BYTES", 20 * 10)
    page = made(rich, tmp_path)
    assert page.about["table"]["n"] == 10
    assert page.about["n_sources"] == n
    flux = np.asarray(rich.table["kron_flux"].value)
    brightest = np.sort(np.argsort(-np.nan_to_num(flux, nan=-np.inf))[:10])
    assert page.column("label").tolist() == (brightest + 1).tolist()


def test_nothing_that_a_file_says_is_markup(tmp_path):
    found = extract(make_field())
    found.record = {"input": f"/x/{HOSTILE.replace('/', '')}", HOSTILE: HOSTILE}
    page = made(found, tmp_path)
    assert page.about["title"].startswith("<script>")
    assert [HOSTILE, HOSTILE] in page.about["record"]
    harmless = {"src", "onerror", "onload", "style"}
    assert all(harmless.isdisjoint(attributes) for _, attributes in page.tags)
    assert [tag for tag, _ in page.tags].count("img") == 0
    assert "alert(1)</script>" not in page.text


def test_only_the_scripts_of_the_page_may_run_and_nothing_may_be_fetched(plain, tmp_path):
    page = made(plain, tmp_path)
    rules = dict(rule.split(" ", 1) for rule in page.policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert sorted(rules["script-src"].split()) == sorted(map(hash_of, page.scripts))
    assert sorted(rules["style-src"].split()) == sorted(map(hash_of, page.styles))
    assert "connect-src" not in rules
    outside = [each for tag, attributes in page.tags for each in addresses(str(attributes))]
    assert outside == []


def test_a_page_without_sources_says_so(empty, tmp_path):
    page = made(empty, tmp_path)
    assert page.about["table"]["n"] == 0
    assert {"label", "kron_flux"} <= {each["name"] for each in page.about["table"]["columns"]}
    assert any(note.startswith("No source was found") for note in page.about["notes"])


def test_bands_are_layers(tmp_path):
    image = make_field()
    found = extract_bands({"g": image, "r": 2 * image}, nsigma=5, zero_point={"g": 25.0, "r": 25.5})
    page = made(found, tmp_path)
    assert [each["name"] for each in page.about["images"]] == ["combination", "band g", "band r"]
    g, r = (page.tile(layer, "0/0/0") for layer in page.about["images"][1:])
    bright = g > 20
    np.testing.assert_allclose((r / g)[bright], 2, rtol=0.2)
    assert not any("zero point" in note for note in page.about["notes"])


def test_a_page_is_seen_only_when_it_is_whole(plain, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("skyshed.output.page.document._write", fail)
    (tmp_path / "report.html").write_text("old")
    with pytest.raises(OSError, match="disk full"):
        plain.report(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_scripts_of_the_package_are_all_in_the_page():
    from importlib.resources import files

    from skyshed.output.page.document import SCRIPTS

    there = {each.name for each in (files(package) / "assets").iterdir()}
    assert {each for each in there if each.endswith(".js")} == {"leaflet.js", *SCRIPTS}
    assert "leaflet-LICENSE.txt" in there


# The command line and results that are there.


@pytest.fixture
def field(tmp_path):
    path = tmp_path / "field.fits"
    fits.writeto(path, make_field(), make_wcs().to_header())
    return path


def test_a_run_leaves_a_report_if_asked_and_takes_an_old_one_away(field, tmp_path):
    out = tmp_path / "out"
    words = ["extract", str(field), "--out", str(out), "--no-preview", "-q"]
    assert main([*words, "--report"]) == 0
    assert Page(out / "report.html").about["title"] == "field.fits"
    assert main(words) == 0
    assert not (out / "report.html").exists()


def test_warnings_of_the_run_are_in_its_report(field, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["extract", str(field), "--out", str(out), "--no-preview", "--nsigma", "1e6"]
    assert main([*words, "--report"]) == 0
    (said,) = [
        line.removeprefix("skyshed: warning: ")
        for line in capsys.readouterr().err.splitlines() if "warning: " in line
    ]  # fmt: skip
    assert said in Page(out / "report.html").about["notes"]


@pytest.mark.parametrize("format", ["fits", "ecsv", "parquet"])
def test_results_that_are_there_can_be_looked_at(field, tmp_path, capsys, format):
    out = tmp_path / "out"
    common = ["--out", str(out), "--no-preview", "-q", "--format", format, "--zero-point", "25"]
    assert main(["extract", str(field), *common, "--report", "--regions"]) == 0
    first = Page(out / "report.html")
    assert main(["view", str(out), "--no-open", "--out", str(tmp_path / "again.html")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "again.html")
    again = Page(tmp_path / "again.html")
    assert again.about["table"]["n"] == first.about["table"]["n"]
    assert again.column("label").tolist() == first.column("label").tolist()
    for layer in ("images", "maps"):
        assert len(again.about[layer]) == len(first.about[layer])
    one, other = (page.tile(page.about["images"][0], "0/0/0") for page in (first, again))
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert again.about["ellipses_are"] == "Kron apertures"


def test_a_report_that_is_there_is_kept_unless_made_anew(field, tmp_path):
    out = tmp_path / "out"
    assert main(["extract", str(field), "--out", str(out), "--no-preview", "-q"]) == 0
    (out / "report.html").write_text("mine")
    assert main(["view", str(out), "--no-open"]) == 0
    assert (out / "report.html").read_text() == "mine"
    assert main(["view", str(out), "--no-open", "--anew"]) == 0
    assert Page(out / "report.html").about["n_sources"] > 0


def test_without_its_image_a_report_shows_the_segments_and_says_why(field, tmp_path):
    out = tmp_path / "out"
    assert main(["extract", str(field), "--out", str(out), "--no-preview", "-q"]) == 0
    with fits.open(field, mode="update") as hdus:
        hdus[0].data[:] = 0
        hdus[0].header["CHANGED"] = True
    assert main(["view", str(out), "--no-open"]) == 0
    changed = Page(out / "report.html")
    assert any("has changed since" in note for note in changed.about["notes"])
    field.unlink()
    assert main(["view", str(out), "--no-open", "--anew"]) == 0
    page = Page(out / "report.html")
    assert page.about["images"] == []
    assert page.about["labels"]["tiles"]
    assert any("is not there" in note for note in page.about["notes"])


def test_many_images_have_a_page_that_leads_to_theirs(field, tmp_path, capsys):
    odd = tmp_path / "<img src=x onerror=alert(1)>.fits"
    odd.write_bytes(field.read_bytes())
    out, absent = tmp_path / "out", tmp_path / "absent.fits"
    words = ["extract", "--each", *map(str, (field, odd, absent)), "--out", str(out), "-q"]
    assert main([*words, "--no-preview"]) == 3
    assert main(["view", str(out), "--no-open"]) == 0
    text = (out / "report.html").read_text()
    assert "<img" not in text
    assert "2 of 3 images done" in text
    linked = [each for each in addresses(text) if each.endswith("report.html")]
    assert len(linked) == 2
    for each in linked:
        assert Page(out / each).about["n_sources"] > 0


def test_one_table_of_many_images_is_shown_without_an_image(field, tmp_path):
    out = tmp_path / "out"
    again = tmp_path / "again.fits"
    again.write_bytes(field.read_bytes())
    words = ["extract", "--each", str(field), str(again), "--out", str(out), "-q", "--one-table"]
    assert main(words) == 0
    assert main(["view", str(out), "--no-open"]) == 0
    page = Page(out / "report.html")
    assert page.about["images"] == []
    assert set(page.column("image")) == {str(field), str(again)}


def test_a_folder_without_results_is_refused(tmp_path, capsys):
    assert main(["view", str(tmp_path), "--no-open"]) == 2
    assert "has no catalog" in capsys.readouterr().err
    assert main(["view", str(tmp_path / "absent"), "--no-open"]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_the_browser_is_asked_to_open_the_file(field, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("webbrowser.open", lambda address: asked.append(address) or True)
    out = tmp_path / "a folder"
    assert main(["extract", str(field), "--out", str(out), "--no-preview", "-q"]) == 0
    assert main(["view", str(out)]) == 0
    assert asked == [(out / "report.html").as_uri()]


def test_the_background_of_two_passes_is_looked_at_without_the_sources(field, tmp_path):
    out, pages = tmp_path / "out", {}
    for passes in ("1", "2"):
        options = ["--out", str(out), "--no-preview", "-q", "--background-passes", passes]
        assert main(["extract", str(field), *options, "--report"]) == 0
        pages[passes] = Page(out / "report.html")
    assert main(["view", str(out), "--no-open", "--anew"]) == 0
    again = Page(out / "report.html")
    assert any("measured again, without the segments" in note for note in again.about["notes"])

    def noise(page):
        return page.about["images"][0]["noise"]

    assert abs(noise(again) - noise(pages["2"])) < 0.2 * abs(noise(pages["1"]) - noise(pages["2"]))

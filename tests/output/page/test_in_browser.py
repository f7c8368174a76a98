"""The report as a person uses it, in a headless browser: by mouse, keyboard, screen reader."""

import re
import time

import numpy as np
import pytest

from skyshed import extract
from skyshed.output.page import Contents, MapLayer, PixelLayer, write_page
from skyshed.parameters import Parameters
from tests.output.page.test_page import HOSTILE

pytestmark = pytest.mark.browser

#: Where the brightest pixel of a tile is drawn, from the left and from below.
BRIGHTEST = """() => {
    const tiles = [...document.querySelectorAll('#map canvas.crisp')];
    const tile = tiles.find((each) => each.width === 512);
    if (!tile) return [-1, -1, -1];
    const { data } = tile.getContext('2d').getImageData(0, 0, 512, 512);
    let best = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i] > data[best]) best = i;
    return [(best / 4) % 512, 511 - Math.floor(best / 4 / 512), data[best]];
}"""


@pytest.fixture
def page(rich, tmp_path, open_page):
    """A report of a field, open."""
    rich.report(tmp_path / "report.html")
    return open_page(tmp_path / "report.html")


#: The values at the corners of a map of 64 x 64 pixels.
CORNERS = """() => {
    const tile = document.querySelector('#map canvas.crisp');
    const at = (x, y) => tile.getContext('2d').getImageData(x, 511 - y, 1, 1).data[0];
    return tile ? [at(2, 2), at(61, 2), at(2, 61), at(61, 61)] : [0, 0, 0, 0];
}"""
#: Seconds within which a page is drawn, on a machine that is busy.
PATIENCE = 300


def drawn(page, look, good):
    """Wait until what is looked at is good, for pages are drawn when the browser has time."""
    end = time.monotonic() + PATIENCE
    while not good(seen := look()):
        assert time.monotonic() < end, seen
        page.wait_for_timeout(20)


def labels_in(page):
    return [int(each) for each in page.locator("#grid .row .cell:first-child").all_inner_texts()]


def place_of(page, row):
    """Return where a source is drawn on the screen, after it was brought to the middle."""
    page.fill("#goto", str(row["label"]))
    page.press("#goto", "Enter")
    box = page.locator("#map").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_pixels_are_where_they_belong(tmp_path, open_page):
    image = np.zeros((60, 90), np.float32)
    image[7, 70] = 1000
    write_page(
        Contents(
            title="dot", shape=image.shape, n_sources=0, parts=lambda: iter(()),
            parameters=Parameters(), record={},
            images=[PixelLayer("image", lambda y0, y1, x0, x1: image[y0:y1, x0:x1], 1.0)],
        ),
        tmp_path / "dot.html",
    )  # fmt: skip
    page = open_page(tmp_path / "dot.html")
    brightest = lambda: page.evaluate(BRIGHTEST)  # noqa: E731
    drawn(page, brightest, lambda seen: seen == [70, 7, 255])
    page.select_option("#colours", "inverted")
    drawn(page, brightest, lambda seen: seen[:2] != [70, 7] and seen[2] > 150)


def test_sources_of_image_and_table_point_at_each_other(page, rich):
    brightest = rich.table[int(np.nanargmax(rich.table["kron_flux"]))]
    x, y = place_of(page, brightest)
    heading = page.locator("#source-heading")
    assert heading.inner_text() == f"Source {brightest['label']}"
    page.locator("#grid .row").first.click()
    assert heading.inner_text() != f"Source {brightest['label']}"
    x, y = place_of(page, brightest)
    page.evaluate("document.getElementById('clear').click()")
    page.keyboard.press("Escape")
    other = page.locator("#grid .row[aria-selected=true] .cell").first.inner_text()
    assert int(other) == brightest["label"]
    page.mouse.click(x, y)
    assert heading.inner_text() == f"Source {brightest['label']}"
    assert f"{brightest['label']} is selected" in page.locator("#announce").inner_text()


def test_the_table_is_sorted_and_filtered(page, rich):
    column = [name for name in rich.table.colnames if name != "sky_centroid"].index("kron_flux")
    flux = np.asarray(rich.table["kron_flux"].value)
    heading = page.locator("#grid [role=columnheader]", has_text="kron_flux").first
    heading.click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert labels_in(page)[:5] == (np.argsort(flux)[:5] + 1).tolist()
    heading.click()
    assert labels_in(page)[:5] == (np.argsort(-flux)[:5] + 1).tolist()
    limit = float(np.median(flux))
    page.fill("#filter", f"kron_flux > {limit!r}, flags & 32")
    page.press("#filter", "Enter")
    kept = (flux > limit) & (np.asarray(rich.table["flags"]) & 32 != 0)
    assert page.locator("#count").inner_text() == f"{kept.sum()} of {len(flux)} sources"
    assert set(labels_in(page)) <= set(np.flatnonzero(kept) + 1)
    page.fill("#filter", "flux > 3")
    page.press("#filter", "Enter")
    assert page.locator("#filter-error").inner_text() == '"flux" is no column of this table'
    page.click("#clear")
    assert page.locator("#count").inner_text() == f"{len(flux)} sources"
    assert column > 0


def test_cells_show_their_whole_text(page):
    cut = page.evaluate("""() => [...document.querySelectorAll('#grid .row .cell')]
        .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent)""")
    assert cut == []


def test_everything_is_done_by_keyboard(page, rich):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("#grid")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#source-heading").inner_text() == "Source 3"
    assert page.locator("#grid").get_attribute("aria-activedescendant") == "cell-2-0"
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    assert page.locator("#source-heading").inner_text() == f"Source {len(rich.table)}"
    page.focus("#map")
    page.keyboard.press("n")
    assert page.locator("#source-heading").inner_text() == "Source 1"
    page.keyboard.press("p")
    assert page.locator("#source-heading").inner_text() == f"Source {len(rich.table)}"


def test_a_bar_of_a_histogram_filters(page, rich):
    bar = page.locator("#charts figure").first.locator("svg .hit").nth(24)
    bar.dispatch_event("click")
    condition = page.input_value("#filter")
    assert condition.startswith("kron_")
    assert re.search(">= .*, .* < ", condition)
    count = page.locator("#count").inner_text()
    title = bar.locator("title").text_content()
    assert count.split(" ")[0] == title.split(" ")[0]


def test_positions_on_the_sky_are_those_of_the_wcs(page, rich):
    row = rich.table[10]
    x, y = place_of(page, row)
    page.mouse.move(x + 1, y)
    page.mouse.move(x, y)
    text = page.locator("#readout").inner_text()
    from astropy.coordinates import SkyCoord

    ra, dec = text.split("RA ")[1].split("Dec ")
    found = SkyCoord(ra, dec.replace("\u2212", "-"), unit=("hourangle", "deg"))
    assert found.separation(row["sky_centroid"]).arcsec < 0.3  # 1.5 pixels of the screen


def test_every_layer_can_be_shown(page):
    for name in ("segments", "as outlines", "doubtful sources", "masked pixels"):
        page.get_by_label(name).check()
    for option in page.locator("#base option").all_inner_texts():
        page.select_option("#base", label=option)
        for curve in ("linear", "log", "sqrt", "asinh"):
            page.select_option("#stretch", curve)
    page.fill("#white", "300")
    page.wait_for_timeout(300)
    assert page.locator("#base option").all_inner_texts() == [
        "image less background", "background", "noise",
    ]  # fmt: skip


def test_a_map_is_seen_from_low_to_high(tmp_path, open_page):
    values = np.array([[0.0, 10.0], [20.0, 30.0]])
    image = np.zeros((64, 64), np.float32)
    write_page(
        Contents(
            title="map", shape=(64, 64), n_sources=0, parts=lambda: iter(()),
            parameters=Parameters(), record={},
            images=[PixelLayer("image", lambda y0, y1, x0, x1: image[y0:y1, x0:x1], 1.0)],
            maps=[MapLayer("background", values, (32, 32), "ct")],
        ),
        tmp_path / "map.html",
    )  # fmt: skip
    page = open_page(tmp_path / "map.html")
    page.select_option("#base", label="background")
    drawn(
        page,
        lambda: page.evaluate(CORNERS),
        lambda seen: seen == sorted(seen) and seen[0] < 10 and seen[3] > 245,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1300])
def test_nothing_bars_anyone(rich, tmp_path, open_page, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    rich.report(tmp_path / "report.html")
    page = open_page(
        tmp_path / "report.html", color_scheme=scheme, viewport={"width": width, "height": 900},
    )  # fmt: skip
    page.locator("#grid .row").first.click()
    found = axe.Axe().run(page).response["violations"]
    said = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_hostile_texts_are_shown_as_they_are(tmp_path, open_page, rich):
    from skyshed.extraction import Extraction

    found = Extraction(rich._run, {"input": HOSTILE.replace("/", ""), HOSTILE: HOSTILE})
    found.report(tmp_path / "report.html")
    page = open_page(tmp_path / "report.html")
    assert page.locator("#title").text_content().startswith("<script>")
    assert page.locator("#record td", has_text="alert(1)").count() == 3
    assert page.locator("img").count() == 0


def test_a_page_without_sources_works(empty, tmp_path, open_page):
    empty.report(tmp_path / "report.html")
    page = open_page(tmp_path / "report.html")
    page.focus("#grid")
    for key in ("ArrowDown", "Enter", "Control+End", "n"):
        page.keyboard.press(key)
    assert page.locator("#count").inner_text() == "0 sources"
    assert page.locator("#note-list li").first.inner_text().startswith("No source was found")


def test_fifty_thousand_rows_are_shown_by_a_few(tmp_path, open_page):
    from astropy.table import QTable

    from skyshed.output.table_parts import to_plain

    n = 50_000
    rng = np.random.default_rng(2)
    table = QTable({
        "label": np.arange(1, n + 1, dtype=np.int32), "xcentroid": rng.uniform(0, 600, n),
        "ycentroid": rng.uniform(0, 600, n), "kron_flux": rng.lognormal(3, 1, n),
        "flags": rng.integers(0, 64, n),
    })  # fmt: skip
    image = rng.normal(size=(600, 600)).astype(np.float32)
    write_page(
        Contents(
            title="many", shape=image.shape, n_sources=n, parts=lambda: iter([to_plain(table)]),
            parameters=Parameters(), record={},
            images=[PixelLayer("image", lambda y0, y1, x0, x1: image[y0:y1, x0:x1], 1.0)],
        ),
        tmp_path / "many.html",
    )  # fmt: skip
    page = open_page(tmp_path / "many.html")
    assert page.locator("#grid").get_attribute("aria-rowcount") == str(n + 1)
    assert page.locator("#grid .row").count() < 60
    page.focus("#grid")
    page.keyboard.press("Control+End")
    drawn(page, lambda: labels_in(page)[-1:], lambda seen: seen == [n])
    assert page.locator("#grid .row").count() < 60


def test_an_image_with_odd_values_is_shown(tmp_path, open_page):
    image = np.random.default_rng(1).normal(10, 1, (128, 128))
    image[30:34, 60:64] += 50
    image[0, 0], image[1, 1] = np.nan, 1e30
    extract(image, nsigma=5).report(tmp_path / "odd.html")
    page = open_page(tmp_path / "odd.html")
    drawn(page, lambda: page.locator("#map canvas").count(), lambda seen: seen > 0)

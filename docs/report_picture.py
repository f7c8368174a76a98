"""Draw images/report.png, the report of a simulated field: python docs/report_picture.py.

Needs `pip install 'skyshed[browser-test]'` and Chromium.
"""

import shutil
import tempfile
from pathlib import Path

from PIL import Image

from skyshed import extract
from skyshed.cli import main

PICTURE = Path(__file__).parent / "images" / "report.png"
SIZE = {"width": 1180, "height": 1250}
#: Enough for greys and a few colours, at half the bytes.
COLOURS = 256


def make_picture() -> None:
    """Simulate, extract, open the report, and take its picture."""
    from playwright.sync_api import sync_playwright

    folder = Path(tempfile.mkdtemp())
    field, report, shot = (folder / name for name in ("field.fits", "report.html", "shot.png"))
    main(["simulate", str(field), "--shape", "1024", "1024", "--seed", "1"])
    extract(field, zero_point=27, effective_gain=2, mask=f"{field}[MASK]").report(report)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE, reduced_motion="reduce")
        page.goto(report.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        page.get_by_label("segments").check()
        page.get_by_label("as outlines").check()
        page.locator("#grid [role=columnheader]", has_text="kron_mag").first.click()
        page.locator("#grid .row").nth(3).click()
        page.evaluate("window.scrollTo(0, 0)")
        page.wait_for_timeout(1000)
        page.screenshot(path=shot)
        browser.close()
    PICTURE.parent.mkdir(exist_ok=True)
    Image.open(shot).convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(
        PICTURE, optimize=True
    )
    shutil.rmtree(folder)


if __name__ == "__main__":
    make_picture()

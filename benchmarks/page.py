"""The report of a large field: its size, the time to make it, and how it feels in a browser.

    python -m benchmarks.page                # 8192 x 8192 pixels, some 53,000 sources
    python -m benchmarks.page --side 2048

Needs `pip install '.[browser-test]'` and Chromium. Frames are timed while the image is dragged.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from skyshed import extract
from skyshed.cli import main as skyshed

#: Steps of a drag, and how far each goes, in pixels of the screen.
STEPS, ACROSS, DOWN = 60, 4, 2
WATCH = """() => {
    window.frames_ = [];
    let last = performance.now();
    const frame = (now) => {
        window.frames_.push(now - last);
        last = now;
        if (!window.stop_) requestAnimationFrame(frame);
    };
    window.stop_ = false;
    requestAnimationFrame(frame);
}"""


def make_report(folder: Path, side: int) -> Path:
    """Simulate a field, extract it, and time its report."""
    field, path = folder / "field.fits", folder / "report.html"
    skyshed(["simulate", str(field), "--shape", str(side), str(side), "--seed", "1"])
    found = extract(field, zero_point=27.0)
    begun, used = time.perf_counter(), time.process_time()
    found.report(path)
    wall, cpu = time.perf_counter() - begun, time.process_time() - used
    print(f"{side} x {side} pixels, {len(found.table)} sources")
    print(f"made in {cpu:.1f} s of CPU ({wall:.1f} s), {path.stat().st_size / 1e6:.1f} MB")
    return path


def time_in_browser(path: Path) -> None:
    """Open a report, drag its image at two zooms, filter and sort its table."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        begun = time.perf_counter()
        page.goto(path.as_uri(), wait_until="commit")
        page.wait_for_selector("html[data-ready]", state="attached")
        print(f"ready after {time.perf_counter() - begun:.1f} s")
        for name, wheel in (("all of it", 0), ("zoomed in", 4)):
            frames = _drag(page, wheel)
            middle, most = frames[len(frames) // 2], frames[int(0.95 * len(frames))]
            print(f"dragging {name}: a frame takes {middle:.1f} ms, 95 % up to {most:.1f} ms")
        begun = time.perf_counter()
        page.fill("#filter", "kron_mag < 22, flags & 32")
        page.press("#filter", "Enter")
        print(f"filtered in {time.perf_counter() - begun:.2f} s")
        begun = time.perf_counter()
        page.locator("#grid [role=columnheader]", has_text="kron_mag").first.click()
        print(f"sorted in {time.perf_counter() - begun:.2f} s")
        browser.close()


def _drag(page: Any, wheel: int) -> list[float]:
    """Drag the image after some turns of the wheel; return the times of frames in ms, sorted."""
    box = page.locator("#map").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    for _ in range(wheel):
        page.mouse.wheel(0, -400)
        page.wait_for_timeout(300)
    page.evaluate(WATCH)
    page.mouse.down()
    for step in range(STEPS):
        page.mouse.move(x - ACROSS * step, y - DOWN * step)
    page.mouse.up()
    page.wait_for_timeout(300)
    frames: list[float] = page.evaluate(
        "() => { window.stop_ = true; return window.frames_.slice(1); }"
    )
    return sorted(frames)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--side", type=int, default=8192, help="pixels of a side of the field")
    folder = Path(tempfile.mkdtemp())
    try:
        time_in_browser(make_report(folder, parser.parse_args().side))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

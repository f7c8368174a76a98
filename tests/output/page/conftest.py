"""A headless browser, for the tests that drive a report."""

import os
import shutil
from importlib.util import find_spec

import pytest

from skyshed import extract
from skyshed.exceptions import NoDetectionsWarning
from tests.pipeline_field import make_field, make_wcs

#: Names of Chromium on several systems. `SKYSHED_BROWSER` names another; with it, tests fail where
#: it can't be started (ci/test sets it).
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def rich():
    """An extraction with units, WCS and magnitudes."""
    import astropy.units as u

    return extract(make_field() << u.nJy, wcs=make_wcs(), zero_point=31.4, effective_gain=3.0)


@pytest.fixture(scope="session")
def plain():
    """An extraction of an array, without anything."""
    return extract(make_field())


@pytest.fixture(scope="session")
def empty():
    """An extraction without sources."""
    with pytest.warns(NoDetectionsWarning):
        return extract(make_field(), wcs=make_wcs(), nsigma=1e6)


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window."""
    asked = os.environ.get("SKYSHED_BROWSER")
    program = asked or next(filter(None, map(shutil.which, BROWSERS)), None)
    for missing, what in (
        (program is None, f"a browser: none of {', '.join(BROWSERS)} is installed"),
        (find_spec("playwright") is None, "playwright: pip install 'skyshed[browser-test]'"),
    ):
        if missing and not asked:
            pytest.skip(f"needs {what}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser):
    """Open a report; whatever it asks of a network, and whatever goes wrong in it, is an error."""
    contexts, wrong = [], []

    def open_(path, **options):
        size = {"width": 1300, "height": 1000}
        # Without motion, what is clicked stays where it is.
        context = browser.new_context(**{"viewport": size, "reduced_motion": "reduce", **options})
        contexts.append(context)
        context.set_default_timeout(300_000)  # milliseconds, on a machine that is busy
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        page.on("dialog", lambda dialog: (wrong.append("a dialog"), dialog.dismiss()))
        page.on("request", lambda asked: asked.url == path.as_uri() or wrong.append(asked.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []

"""What outputs say about the run that made them."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["PACKAGES", "package_versions", "run_record"]

#: The packages that results may depend on.
PACKAGES = ("skyshed", "numpy", "scipy", "astropy", "numba", "array-api-compat")


def package_versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Return the installed versions; packages that are absent are left out.

    Examples
    --------
    >>> from skyshed.output.run_record import package_versions
    >>> list(package_versions(("numpy", "no-such-package")))
    ['numpy']
    """
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def run_record(origin: dict[str, Any]) -> dict[str, str]:
    """Return versions, date and input of a run, as texts.

    Examples
    --------
    >>> from skyshed.output.run_record import run_record
    >>> run_record({"input": "deep.fits"})["input"]
    'deep.fits'
    """
    made = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **{key: str(value) for key, value in origin.items()},
        "python": platform.python_version(),
    }
    return {**made, **package_versions()}

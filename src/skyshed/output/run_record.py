"""What outputs say about the run that made them."""

import platform
from datetime import UTC, datetime
from typing import Any

from skyshed.optional import package_versions

__all__ = ["PACKAGES", "run_record"]

#: The packages that results may depend on.
PACKAGES = ("skyshed", "numpy", "scipy", "astropy", "array-api-compat")


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
    return {**made, **package_versions(PACKAGES)}

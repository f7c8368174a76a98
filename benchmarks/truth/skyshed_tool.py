"""skyshed, by `skyshed.extract`: its defaults, and its presets."""

import warnings
from functools import partial
from typing import Any

import numpy as np

from benchmarks.truth.catalogs import Catalog, Tool
from benchmarks.truth.simulate import Sky
from skyshed import extract

__all__ = ["skyshed_tool"]

#: Total fluxes that are in the table where the version has them, the one that is judged first.
TOTALS = ("total", "best", "kron", "segment")
POSITIONS = ("xcentroid_win", "ycentroid_win", "xcentroid_win_err")


def skyshed_tool(name: str = "skyshed", **options: Any) -> Tool:
    """Return skyshed with some parameters changed."""
    return Tool(
        name, partial(_measure, options=options), partial(_detect, options=options), options
    )


def _extract(data: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return extract(data, **options)


def _measure(sky: Sky, radii: tuple[float, ...], options: dict[str, Any]) -> Catalog:
    found = _extract(
        sky.data, effective_gain=sky.gain, aperture_radii=radii,
        columns=("default", *POSITIONS), **options,
    )  # fmt: skip
    table = found.table

    def numbers(name: str) -> Any:
        return np.asarray(table[name], float)

    names = [each for each in TOTALS if f"{each}_flux" in table.colnames]
    apertures = {}
    for radius in radii:
        column = f"aperture_{radius:.6g}".replace(".", "p")
        apertures[radius] = numbers(f"{column}_flux"), numbers(f"{column}_fluxerr")
    return Catalog(
        *(numbers(each) for each in POSITIONS),
        {each: numbers(f"{each}_flux") for each in names},
        apertures,
        np.asarray(found.background, float),
    )


def _detect(data: Any, sky: Sky, nsigma: float, options: dict[str, Any]) -> tuple[Any, Any]:
    table = _extract(
        data, **{**options, "nsigma": nsigma, "aperture_correction": False},
        columns=("label", "xcentroid", "ycentroid"), calibrate=False,
    ).table  # fmt: skip
    return tuple(np.asarray(table[name], float) for name in ("xcentroid", "ycentroid"))

"""What is told of the quality of a catalog: tables, and a picture."""

from pathlib import Path
from typing import Any

import numpy as np

from skyshed.optional import need

__all__ = ["write_quality"]

#: Files, by what they hold.
TABLES = {"bins": "quality.ecsv", "purity": "purity.ecsv", "injected": "injected.ecsv"}
PICTURE = "quality.png"
#: Colors of the kinds of sources.
COLORS = {"star": "tab:blue", "galaxy": "tab:orange"}
PLURALS = {"star": "stars", "galaxy": "galaxies"}


def write_quality(quality: Any, folder: Path, picture: bool = True) -> list[Path]:
    """Write the tables of a `Quality` and, if wanted, the picture; return the files."""
    if picture:
        need("matplotlib", "drawing", "plot")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, file in TABLES.items():
        table = getattr(quality, name).copy()
        table.meta.clear()
        table.meta.update(quality.facts)
        table.write(folder / file, format="ascii.ecsv", overwrite=True)
        files.append(folder / file)
    if picture:
        _draw(quality, folder / PICTURE)
        files.append(folder / PICTURE)
    return files


def _draw(quality: Any, path: Path) -> None:
    """Draw completeness and purity, the ratio of fluxes, and the pulls, over the flux."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    FigureCanvasAgg(figure)
    (shares, ratios), (spreads, pulls) = figure.subplots(2, 2, sharex=True)
    bins = quality.bins
    names = [name.removesuffix("_ratio") for name in bins.colnames if name.endswith("_ratio")]
    best = "best" if "best" in names else "kron"
    for kind, color in COLORS.items():
        mine = bins[np.asarray(bins["kind"]) == kind]
        flux, many = np.asarray(mine["flux"]), PLURALS[kind]
        shares.plot(flux, mine["completeness"], "o-", color=color, label=f"completeness, {many}")
        for name in dict.fromkeys((best, "kron")):
            style = "o-" if name == best else "--"
            label = f"{name}, {many}"
            ratios.plot(flux, mine[f"{name}_ratio"], style, color=color, label=label)
            spreads.plot(flux, mine[f"{name}_spread"], style, color=color, label=label)
            if f"{name}_pull" in mine.colnames:
                pulls.plot(flux, mine[f"{name}_pull"], style, color=color, label=f"flux, {label}")
        if "x_pull" in mine.colnames:
            pulls.plot(flux, mine["x_pull"], ":", color=color, label=f"x, {many}")
    shares.plot(quality.purity["flux"], quality.purity["purity"], "k-", label="purity")
    shares.set(ylim=(-0.02, 1.05), ylabel="share")
    ratios.axhline(1, color="gray", lw=0.8)
    ratios.set(ylim=(0.5, 1.5), ylabel="measured / true flux, median")
    spreads.set(ylabel="spread of measured / true flux", xlabel="true flux")
    if np.isfinite(np.asarray(bins[f"{best}_spread"], float)).any():
        spreads.set_yscale("log")
    pulls.axhline(1, color="gray", lw=0.8)
    pulls.set(ylim=(0, 3), ylabel="width of (measured - true) / error", xlabel="true flux")
    for axes in (shares, ratios, spreads, pulls):
        axes.set_xscale("log")
        axes.legend(fontsize="x-small")
    figure.savefig(path, dpi=110)

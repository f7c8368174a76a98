"""The benchmark's figures as PNG plots."""

from pathlib import Path
from typing import Any

__all__ = ["draw"]

COLORS = {"skyshed": "tab:blue", "photutils": "tab:orange", "sep": "tab:green"}


def draw(parts: dict[str, Any], folder: Path, stem: str) -> list[Path]:
    """Draw times by stage, and time per pixel and per source; return the files."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    paths = []
    if "peers" in parts:
        figures = parts["peers"].figures
        fig, axes = plt.subplots(1, len(figures), figsize=(6 * len(figures), 4), squeeze=False)
        for ax, (size, libraries) in zip(axes[0], figures.items(), strict=True):
            _stages(ax, size, libraries)
        paths.append(_save(fig, folder / f"{stem}-stages.png"))
    if "scaling" in parts:
        figures = parts["scaling"].figures
        fig, axes = plt.subplots(1, 2, figsize=(11, 4))
        for ax, (name, values) in zip(axes, figures.items(), strict=True):
            counts = sorted(values, key=float)
            ax.plot([float(n) for n in counts], [values[n] for n in counts], "o-")
            ax.set(xscale="log", ylim=(0, None), ylabel=name)
            ax.set_xlabel("side of the image [pix]" if "pixel" in name else "sources")
        paths.append(_save(fig, folder / f"{stem}-scaling.png"))
    return paths


def _stages(ax: Any, size: str, libraries: dict[str, dict[str, float]]) -> None:
    """Draw each library's stages on top of one another."""
    for place, (name, stages) in enumerate(libraries.items()):
        left = 0.0
        for stage, seconds in stages.items():
            whole = stage == "end to end" or (stage == "extraction" and "detection" in stages)
            if whole:
                continue
            ax.barh(place, seconds, left=left, color=COLORS[name], edgecolor="white")
            if seconds > 0.06 * max(each["end to end"] for each in libraries.values()):
                ax.text(left + seconds / 2, place, stage, ha="center", va="center", fontsize=7)
            left += seconds
        ax.text(left, place, f" {left:.2f} s", va="center", fontsize=8)
    ax.set_yticks(range(len(libraries)), list(libraries))
    ax.set(title=f"{size} x {size} pixels", xlabel="seconds, least of the rounds")
    ax.margins(x=0.12)
    ax.invert_yaxis()


def _save(fig: Any, path: Path) -> Path:
    fig.tight_layout()
    fig.savefig(path, dpi=110)
    return path

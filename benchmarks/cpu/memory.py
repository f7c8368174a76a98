"""Peak memory of stages and of the whole chain, in bytes per pixel."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cpu.rows import Part, at_most
from benchmarks.scene import survey_scene
from benchmarks.settings import BOX, FILTER, FWHM, KERNEL, NPIXELS, NSIGMA

__all__ = ["measure"]


def _status(name: str) -> int:
    """Return a line of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}: memory is measured on Linux only")


def peak_of(work: Callable[[], Any]) -> tuple[int, int, Any]:
    """Return by how much memory rose during ``work``, how much of that its result keeps, and it."""
    gc.collect()
    # 5 resets the process's peak to what it uses now.
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    result = work()
    peak = _status("VmHWM") - before
    gc.collect()
    return peak, _status("VmRSS") - before, result


def guide_script(data: Any, mask: Any) -> dict[str, Any]:
    """Run the guide's script, which keeps all its arrays."""
    import skyshed

    kept: dict[str, Any] = {}
    kept["bkg"] = skyshed.Background2D(
        data, BOX, mask=mask, filter_size=FILTER, bkg_estimator=skyshed.MedianBackground()
    )
    kept["data"] = data - kept["bkg"].background
    kept["threshold"] = NSIGMA * kept["bkg"].background_rms
    kernel = skyshed.make_2dgaussian_kernel(FWHM, size=KERNEL)
    kept["convolved"] = skyshed.convolve(kept["data"], kernel)
    kept["detected"] = skyshed.detect_sources(kept["convolved"], kept["threshold"], NPIXELS)
    kept["segments"] = skyshed.deblend_sources(
        kept["convolved"], kept["detected"], NPIXELS, progress_bar=False
    )
    kept["catalog"] = skyshed.SourceCatalog(
        kept["data"], kept["segments"], convolved_data=kept["convolved"]
    )
    kept["table"] = kept["catalog"].to_table()
    return kept


def stages(data: Any, mask: Any) -> dict[str, Callable[[dict[str, Any]], Any]]:
    """Return each stage as a function of what the earlier ones left."""
    import skyshed

    kernel = skyshed.make_2dgaussian_kernel(FWHM, size=KERNEL)
    return {
        "background": lambda kept: skyshed.Background2D(data, BOX, mask=mask).background,
        "convolution": lambda kept: skyshed.convolve(data - kept["background"], kernel),
        "detection": lambda kept: skyshed.detect_sources(kept["convolution"], 2.0, NPIXELS),
        "deblending": lambda kept: skyshed.deblend_sources(
            kept["convolution"], kept["detection"], NPIXELS, progress_bar=False
        ),
        "catalog": lambda kept: skyshed.SourceCatalog(
            kept["convolution"], kept["deblending"], error=np.sqrt(np.abs(data))
        ).to_table(),
    }


def measure(quick: bool) -> Part:
    """Measure one image, after a smaller one has loaded what is loaded once."""
    import skyshed

    part = Part("Peak memory, bytes per pixel")
    small, scene = survey_scene(512, 2, None), survey_scene(1024 if quick else 4096, 1, None)
    guide_script(small.data, small.mask)
    skyshed.extract(small.data, mask=small.mask)
    size = scene.data.size
    kept: dict[str, Any] = {}
    worst = 0.0
    for name, work in stages(scene.data, scene.mask).items():
        peak, left, kept[name] = peak_of(lambda work=work: work(kept))
        temporaries = (peak - left) / size
        part.figures[name] = temporaries
        # What the lines of the benchmark itself make (a difference, an error) is not the library's.
        own = {"convolution": 4, "catalog": 4}.get(name, 0)
        worst = max(worst, temporaries - own)
    shown = ", ".join(f"{name} {value:.1f}" for name, value in part.figures.items())
    part.rows.append(at_most("temporaries of a stage, the worst", worst, 6, "bytes", f" ({shown})"))
    kept.clear()
    peak, _, result = peak_of(lambda: guide_script(scene.data, scene.mask))
    part.rows.append(at_most("the guide's script with all it keeps", peak / size, 32, "bytes"))
    del result
    peak, _, _ = peak_of(lambda: skyshed.extract(scene.data, mask=scene.mask))
    part.rows.append(at_most("skyshed.extract above its input", peak / size, 16, "bytes"))
    return part

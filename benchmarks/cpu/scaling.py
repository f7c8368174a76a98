"""Time per pixel over image sizes, and per source over numbers of sources."""

import warnings
from time import perf_counter
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.array_chain import skyshed_chain
from benchmarks.cpu.rows import Part, at_most
from benchmarks.scene import Scene, survey_scene
from benchmarks.timing import NoClock

__all__ = ["measure"]

#: The field that larger images repeat: their statistics are the same at every size.
TILE = 2048
#: Sides of the crowded fields, and pixels between their sources: 10^3 to 10^6 sources.
CROWDED_SIDES, PITCH = (316, 1000, 3162, 10_000), 10
#: Standard deviation of a star, in pixels.
STAR = 1.3


def repeated(scene: Scene, times: int) -> Scene:
    """Return ``times`` by ``times`` copies of a scene in one image."""
    mask = None if scene.mask is None else np.tile(scene.mask, (times, times))
    return Scene(scene.name, scene.slug, np.tile(scene.data, (times, times)), mask)


def crowded_field(side: int) -> Any:
    """Return noise of 1 with a star of 5 to 50 times that every few pixels, float32."""
    rng = np.random.default_rng(3)
    n = side // PITCH
    data = np.zeros((side, side), np.float32)
    y = np.arange(n)[:, None] * PITCH + rng.integers(0, PITCH - 2, (n, n))
    x = np.arange(n)[None, :] * PITCH + rng.integers(0, PITCH - 2, (n, n))
    data[y, x] = 10 ** rng.uniform(0.7, 1.7, (n, n)) * 2 * np.pi * STAR**2
    data = gaussian_filter(data, STAR)
    data += rng.standard_normal(data.shape, dtype=np.float32)
    return data


def measure_sources(data: Any) -> tuple[float, int]:
    """Return the seconds from convolution to table, and the number of sources."""
    import skyshed

    start = perf_counter()
    convolved = skyshed.convolve(data, skyshed.make_2dgaussian_kernel(3.0, size=5))
    segments = skyshed.detect_sources(convolved, 1.0, 5)
    segments = skyshed.deblend_sources(convolved, segments, 5, progress_bar=False)
    catalog = skyshed.SourceCatalog(data, segments, convolved_data=convolved)
    catalog.to_table()
    catalog.fluxfrac_radius(0.5)
    return perf_counter() - start, segments.nlabels


def seconds(scene: Scene, rounds: int) -> float:
    """Return the least time of the whole chain."""
    chain, times = skyshed_chain(2), []
    for _ in range(rounds):
        start = perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            chain.run(scene, NoClock())
        times.append(perf_counter() - start)
    return min(times)


def measure(quick: bool) -> Part:
    """Run the chain over sizes and over numbers of sources."""
    part = Part("Linear in pixels and in sources")
    tile = survey_scene(512 if quick else TILE, 1, None)
    pixels = {}
    for times in (1, 2) if quick else (1, 2, 4, 6):
        scene = repeated(tile, times)
        rounds = 5 if times < 4 else 3
        pixels[scene.data.shape[0]] = seconds(scene, rounds) / scene.data.size * 1e9
    part.figures["ns per pixel"] = pixels
    sides = sorted(pixels)
    note = " (" + ", ".join(f"{side}: {pixels[side]:.0f} ns" for side in sides) + ")"
    item = f"time per pixel at {sides[-1]}^2 over that at {sides[0]}^2"
    part.rows.append(at_most(item, pixels[sides[-1]] / pixels[sides[0]], 1.3, "x", note))
    sources = {}
    for side in CROWDED_SIDES[:2] if quick else CROWDED_SIDES:
        data = crowded_field(side)
        runs = [measure_sources(data) for _ in range(5 if side < 3000 else 2)]
        total, n = min(runs)
        sources[n] = total / n * 1e6
    part.figures["us per source"] = sources
    counts = sorted(sources)
    note = " (" + ", ".join(f"{n}: {sources[n]:.1f} us" for n in counts) + ")"
    # The first has too few to hide what a call costs by itself.
    item = f"crowded field, time per source at {counts[-1]} sources over that at {counts[1]}"
    part.rows.append(at_most(item, sources[counts[-1]] / sources[counts[1]], 1.3, "x", note))
    return part

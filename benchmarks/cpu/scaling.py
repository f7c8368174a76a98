"""Time per pixel over image sizes, and per source over numbers of sources."""

import warnings
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.array_chain import skyshed_chain
from benchmarks.cpu.rows import Part, at_most
from benchmarks.scene import Scene, survey_scene
from benchmarks.timing import Clock

__all__ = ["measure"]

#: The field that larger images repeat: their statistics are the same at every size.
TILE = 2048
#: Sides of the noise-limited fields: 10^3 to 10^6 sources.
NOISE_SIDES = (306, 967, 3058, 9670)


def repeated(scene: Scene, times: int) -> Scene:
    """Return ``times`` by ``times`` copies of a scene in one image."""
    mask = None if scene.mask is None else np.tile(scene.mask, (times, times))
    return Scene(scene.name, scene.slug, np.tile(scene.data, (times, times)), mask)


def noise_field(side: int) -> Scene:
    """Return noise, in which every few pixels are a source at a low threshold."""
    data = np.random.default_rng(3).normal(0, 1, (side, side)).astype(np.float32)
    return Scene(f"noise {side}", f"noise-{side}", data, None)


def seconds(scene: Scene, rounds: int) -> tuple[float, dict[str, float], Any]:
    """Return the least time of the chain, its stages in that run, and the labels."""
    chain, best = skyshed_chain(2), (np.inf, {})
    for _ in range(rounds):
        clock, start = Clock(), perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = chain.run(scene, clock)
        best = min(best, (perf_counter() - start, clock.seconds), key=lambda each: each[0])
    return (*best, labels)


def measure(quick: bool) -> Part:
    """Run the chain over sizes and over numbers of sources."""
    part = Part("Linear in pixels and in sources")
    tile = survey_scene(512 if quick else TILE, 1, None)
    pixels = {}
    for times in (1, 2) if quick else (1, 2, 4, 6):
        scene = repeated(tile, times)
        total, _, _ = seconds(scene, 5 if times < 4 else 3)
        pixels[scene.data.shape[0]] = total / scene.data.size * 1e9
    part.figures["ns per pixel"] = pixels
    sides = sorted(pixels)
    note = " (" + ", ".join(f"{side}: {pixels[side]:.0f} ns" for side in sides) + ")"
    item = f"time per pixel at {sides[-1]}^2 over that at {sides[0]}^2"
    part.rows.append(at_most(item, pixels[sides[-1]] / pixels[sides[0]], 1.3, "x", note))
    sources = {}
    for side in NOISE_SIDES[:2] if quick else NOISE_SIDES:
        total, _, labels = seconds(noise_field(side), 5 if side < 3000 else 2)
        n = int(labels.max())
        sources[n] = total / n * 1e6
    part.figures["us per source"] = sources
    counts = sorted(sources)
    note = " (" + ", ".join(f"{n}: {sources[n]:.1f} us" for n in counts) + ")"
    # The first has too few to hide what a call costs by itself.
    item = f"time per source of noise at {counts[-1]} sources over that at {counts[1]}"
    part.rows.append(at_most(item, sources[counts[-1]] / sources[counts[1]], 1.3, "x", note))
    return part

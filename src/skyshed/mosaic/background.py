"""Phase 1: the background mesh of the whole image, from the boxes of its tiles."""

from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from skyshed.arguments import as_pair
from skyshed.background import Background2D
from skyshed.background.base import own_clip
from skyshed.background.box_values import BoxValues, measure_boxes
from skyshed.background.checks import without_clip
from skyshed.background.mesh import Mesh, least_pixels, make_mesh
from skyshed.chain.steps import (
    SCALE_SAMPLE,
    Prepared,
    background_clip,
    background_estimators,
)
from skyshed.images.exposure import Inputs, nothing_good
from skyshed.images.field import Field
from skyshed.images.window import Window
from skyshed.mosaic.job import Job
from skyshed.namespace import array_namespace, to_host

#: What `skyshed.extract` calls the fields of a job.
ARGUMENTS = {"image": "image", "band": "detection_image"}

__all__ = ["assemble", "background_of", "measure", "prepare"]


def measure(job: Job, place: tuple[int, int]) -> None:
    """Measure the boxes of a tile, in each image."""
    start = perf_counter()
    found = {}
    for name, field in job.fields.items():
        boxes = _measured(job, job.tiling[place], field)
        found.update({f"{name}_{key}": each for key, each in boxes.items()})
    job.workspace.save("background", place, **found, seconds=perf_counter() - start)


def _measured(job: Job, window: Window, field: Field) -> dict[str, Any]:
    """Return what is known of the boxes of a window, and a sample of relative noise."""
    inputs, parameters = field.read(window), job.parameters
    estimators = {
        name: without_clip(each) for name, each in background_estimators(parameters).items()
    }
    boxes = measure_boxes(
        inputs.data, inputs.mask, job.box_size, own_clip(background_clip(parameters)), estimators,
        parameters.n_threads,
    )  # fmt: skip
    masked = 0 if inputs.mask is None else int(np.count_nonzero(inputs.mask))
    return {
        "level": boxes.level,
        "noise": boxes.noise,
        "n_good": boxes.n_good,
        "n_unmasked": inputs.data.size - masked,
        "given": _sample(job, window, inputs.rms, inputs.relative),
    }


def _sample(job: Job, window: Window, image: Any, wanted: bool) -> Any:
    """Return the pixels of a window that the whole image would be sampled at, for its scale."""
    if not wanted:
        return np.empty(0)
    step = max(1, job.shape[0] * job.shape[1] // SCALE_SAMPLE)
    image = to_host(image)
    first = (-(np.arange(window.y0, window.y1) * job.shape[1] + window.x0)) % step
    return np.concatenate([row[at::step] for row, at in zip(image, first.tolist(), strict=True)])


def assemble(job: Job) -> None:
    """Make the meshes of the whole images from the boxes of all tiles.

    Where every box has too few good pixels, all with good ones are used, and ``lenient`` is noted.

    Raises
    ------
    ValueError
        If no pixel, or no box, is good.
    """
    found = {}
    for name in job.fields:
        mesh = _assembled(job, name)
        found.update({f"{name}_{key}": each for key, each in mesh.items()})
    job.workspace.save("mesh", **found)


def _assembled(job: Job, name: str) -> dict[str, Any]:
    """Return the mesh of one of the images, the scale of its noise, and whether it was lenient."""
    keys = ("level", "noise", "n_good", "n_unmasked", "given")
    parts = {}
    for place in job.tiling:
        stored = job.workspace.load("background", place, tuple(f"{name}_{key}" for key in keys))
        parts[place] = dict(zip(keys, stored.values(), strict=True))
    if not any(part["n_unmasked"] for part in parts.values()):
        raise nothing_good(ARGUMENTS[name])
    rows, columns = job.tiling.grid

    def joined(key: str) -> Any:
        return np.block(
            [[parts[row, column][key] for column in range(columns)] for row in range(rows)]
        )

    found = BoxValues(joined("level"), joined("noise"), joined("n_good"), 0)
    parameters, lenient = job.parameters, False
    mesh = _mesh(job, found, parameters.exclude_percentile)
    if mesh is None and parameters.exclude_percentile < 100:
        mesh, lenient = _mesh(job, found, 100.0), True
    if mesh is None:
        raise ValueError(
            f"no box of the background of {ARGUMENTS[name]} has a good pixel: box_size is "
            f"{parameters.box_size}, clip_sigma {parameters.clip_sigma:g}; enlarge box_size, or "
            "look at the image"
        )
    scale = 1.0
    if job.fields[name].scale_weight and "weight" in job.fields[name].companions:
        scale = _scale(job, mesh, [part["given"] for part in parts.values()])
    return {
        "level": mesh.level, "noise": mesh.noise, "gaps": mesh.gaps, "n_good": mesh.n_good,
        "scale": scale, "lenient": lenient,
    }  # fmt: skip


def _mesh(job: Job, found: BoxValues, exclude_percentile: float) -> Mesh | None:
    parameters = job.parameters
    height, width = as_pair(parameters.filter_size, "filter_size", odd=True)
    return make_mesh(
        found, least_pixels(job.box_size, exclude_percentile), (height, width),
        parameters.filter_threshold,
    )  # fmt: skip


def _scale(job: Job, mesh: Mesh, given: list[Any]) -> float:
    """Return the factor from relative to measured noise; see `skyshed.chain.steps`."""
    background = _background2d(job, mesh, mesh.noise.dtype)
    ratios = []
    for place, of_tile in zip(job.tiling, given, strict=True):
        window = job.tiling[place]
        noise = background.window(window.y0, window.y1, window.x0, window.x1).background_rms
        measured = _sample(job, window, noise, True)
        good = of_tile > 0
        ratios.append(measured[good] / of_tile[good])
    ratio = np.concatenate(ratios)
    return float(np.median(ratio)) if ratio.size else 1.0


def _background2d(job: Job, mesh: Mesh, dtype: Any, xp: Any = np) -> Background2D:
    """Return the background of a whole image from its mesh."""
    parameters = job.parameters
    return Background2D.from_mesh(
        mesh, job.shape, job.box_size, dtype, xp=xp,
        exclude_percentile=parameters.exclude_percentile, filter_size=parameters.filter_size,
        filter_threshold=parameters.filter_threshold, sigma_clip=background_clip(parameters),
        **background_estimators(parameters), n_threads=parameters.n_threads,
    )  # fmt: skip


def background_of(job: Job) -> Background2D:
    """Return the background of the image."""
    mesh, _ = _loaded(job, "image")
    return _background2d(job, mesh, mesh.level.dtype)


def _loaded(job: Job, name: str) -> tuple[Mesh, float]:
    """Return the mesh of one of the images, and the scale of its noise."""
    names = tuple(f"{name}_{key}" for key in ("level", "noise", "gaps", "n_good", "scale"))
    *mesh, scale = job.workspace.load("mesh", names=names).values()
    return Mesh(*mesh), float(scale)


def prepare(job: Job, window: Window, name: str = "image") -> Prepared:
    """Return a window of one of the images with the background of the whole, not yet convolved."""
    mesh, scale = _loaded(job, name)
    field = job.fields[name].read(window)
    whole = _background2d(job, mesh, field.data.dtype, array_namespace(data=field.data))
    background = whole.window(window.y0, window.y1, window.x0, window.x1)
    return Prepared(_scaled(field, scale), background, None, job.parameters)


def _scaled(field: Inputs, scale: float) -> Inputs:
    """Return the inputs with relative noise made absolute."""
    if not field.relative:
        return field
    return replace(field, rms=field.rms * field.rms.dtype.type(scale), relative=False)

"""From an image that is read by windows to a run over tiles, and to what it found."""

import importlib.util
import os
import shutil
import tempfile
import weakref
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from skyshed.chain.progress import TileProgress
from skyshed.images import ArrayWindows, fingerprint
from skyshed.images.field import Field, origin_of
from skyshed.kernels.threads import resolve_n_threads
from skyshed.mosaic import background
from skyshed.mosaic.engine import Cluster, Threads, connect
from skyshed.mosaic.job import Job
from skyshed.mosaic.memory import PROCESS, SHARE, available, in_bytes, tiles_for, whole_image
from skyshed.mosaic.run import phases_of, run
from skyshed.mosaic.tiling import Tiling
from skyshed.mosaic.workspace import Workspace
from skyshed.output.run_record import run_record
from skyshed.parameters import Parameters

__all__ = ["Resources", "extract_tiles", "fits_at_once", "installed", "itemsize_of", "make_job"]

#: Pixels around a tile that are read with it. Apertures of fewer than one source in a thousand
#: reach farther; these are measured by themselves.
MARGIN = 64
#: The share of a tile that the margin may be, on each side, where tiles are small.
LARGEST_MARGIN = 4
#: Pixels of an in-memory array that may be sent to the workers of a cluster.
MOST_SENT = 10_000_000


@dataclass(frozen=True)
class Resources:
    """What a run may use.

    Attributes
    ----------
    memory : int, str or None
        See `skyshed.extract`.
    workspace : path or None
        See `skyshed.extract`.
    scheduler : str, `distributed.Client` or None
        See `skyshed.extract`.
    tile : tuple of int or None
        Height and width of tiles, in place of what fits into memory; for tests.
    """

    memory: Any = None
    workspace: Any = None
    scheduler: Any = None
    tile: tuple[int, int] | None = None

    @property
    def asked(self) -> bool:
        """Whether only a run over tiles will do."""
        return any(each is not None for each in (self.workspace, self.scheduler, self.tile))


def installed() -> bool:
    """Whether the packages are there that tiles need."""
    return all(importlib.util.find_spec(name) for name in ("dask", "zarr"))


def itemsize_of(image: Any) -> int:
    """Return the bytes of a pixel as the chain holds it: integers become float64."""
    dtype = image.dtype
    return dtype.itemsize if dtype.kind == "f" and dtype.itemsize >= 4 else 8


def fits_at_once(image: Any, resources: Resources, device: str | None, n_images: int = 1) -> bool:
    """Whether some images of one kind can be worked on at once within the memory there is."""
    if resources.asked:
        return False
    memory = resources.memory
    limit = SHARE * available(device) if memory is None else in_bytes(memory) - PROCESS
    return n_images * whole_image(image.shape, itemsize_of(image), device) <= limit


def extract_tiles(
    fields: dict[str, Field],
    parameters: Parameters,
    resources: Resources,
    wcs: Any = None,
    progress: bool | None = False,
    given: Any = None,
) -> Any:
    """Extract the sources of an image tile by tile; see `skyshed.extract`.

    Parameters
    ----------
    fields : dict of str to Field
        The ``image`` with its companions, and the ``band`` that sources are detected on if that is
        another image; see `Job`.
    parameters : Parameters
        The parameters of the chain.
    resources : Resources
        What may be used.
    wcs : object, optional
        A WCS that goes before the image's own.
    progress : bool or None, optional
        Whether to show the tiles on standard error; `None` does so on a terminal.
    given : windows, optional
        A map of labels whose sources are measured, in place of a detection.

    Returns
    -------
    extraction : MosaicExtraction

    Raises
    ------
    ValueError
        If the memory is too small for tiles, or the workspace belongs to another run.
    ImportError
        If Dask or Zarr are not installed.
    TileError
        If a tile cannot be finished.
    """
    from skyshed.extraction.mosaic_result import MosaicExtraction

    if not installed():
        raise ImportError(
            "images are worked on tile by tile with Dask and Zarr, which are not installed: "
            "pip install 'skyshed[mosaic]', or give more memory"
        )
    engine = connect(resources.scheduler, resolve_n_threads(parameters.n_threads))
    folder, owned = _folder(resources.workspace)
    workspace = Workspace(folder)
    try:
        with closing(engine), workspace.held():
            if isinstance(engine, Cluster):
                for name, field in fields.items():
                    _check_sendable(background.ARGUMENTS[name], field)
            job, begun = make_job(fields, parameters, resources, workspace, engine, wcs, given)
            with TileProgress(len(phases_of(job)) * len(job.tiling), progress) as begin:
                run(job, engine, begin)
            # What was read while the images changed is of neither.
            workspace.begin({**begun, **_facts(job)})
    except BaseException:
        if owned:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if bool(job.workspace.load("mesh")["image_lenient"]):
        parameters = parameters.replace(exclude_percentile=100)
    origin = {**origin_of(job.field.image), "tiles": len(job.tiling)}
    besides = {"detection_image": fields["band"].image} if "band" in fields else {}
    besides |= {} if given is None else {"segmentation": given}
    for name, windows in besides.items():
        origin |= {key.replace("input", name): each for key, each in origin_of(windows).items()}
    found = MosaicExtraction(job, parameters, run_record(origin))
    if owned:
        weakref.finalize(found, shutil.rmtree, folder, ignore_errors=True)
    return found


def _folder(workspace: Any) -> tuple[str, bool]:
    """Return the folder to work in, and whether it is a temporary one of the run's own."""
    if workspace is None:
        return tempfile.mkdtemp(prefix="skyshed-"), True
    return os.path.abspath(workspace), False


def _check_sendable(argument: str, field: Field) -> None:
    """Refuse images in the memory of this process that are too large to be sent to workers."""
    for name, windows in {argument: field.image, **field.companions}.items():
        local = isinstance(windows, ArrayWindows) and hasattr(windows.array, "__array_interface__")
        size = windows.shape[0] * windows.shape[1]
        if local and size > MOST_SENT and getattr(windows.array, "filename", None) is None:
            raise ValueError(
                f"{name} is an array of {size} pixels in the memory of this process, which the "
                "workers of a cluster do not see: give a FITS file, a Zarr array or a memory map "
                "that they can all read"
            )


def make_job(
    fields: dict[str, Field],
    parameters: Parameters,
    resources: Resources,
    workspace: Workspace,
    engine: Threads | Cluster,
    wcs: Any = None,
    given: Any = None,
) -> tuple[Job, dict[str, Any]]:
    """Choose the tiles, and begin or resume the run in its workspace.

    A run that is resumed keeps its tiles, whatever the memory is now.

    Returns
    -------
    job : Job
        The run.
    begun : dict
        What tells it from others.
    """
    n_workers = engine.per_process()
    tiling, margin = choose_tiles(fields, parameters, resources, n_workers, engine.memory())
    job = Job(fields, parameters, tiling, workspace, margin, wcs, given)
    begun = workspace.begin(
        {
            **_facts(job),
            "parameters": {
                name: each for name, each in parameters.to_dict().items() if name != "n_threads"
            },
            "wcs": None if wcs is None else repr(wcs),
            "tile": tiling.side,
            "margin": margin,
        },
        keep=("tile", "margin"),
    )
    tiling = Tiling(tiling.shape, (begun["tile"][0], begun["tile"][1]))
    # Tiles are what threads share; where there are few tiles, threads share each of them too.
    threads = max(1, n_workers // len(tiling))
    parameters = parameters.replace(n_threads=threads)
    return replace(job, parameters=parameters, tiling=tiling, margin=begun["margin"]), begun


def _facts(job: Job) -> dict[str, Any]:
    """Return what tells inputs from others, by the names of arguments, as JSON can hold it."""
    facts: dict[str, Any] = {
        "device": job.field.device,
        "segmentation": None if job.given is None else fingerprint(job.given),
    }
    for name, field in job.fields.items():
        argument, mask = background.ARGUMENTS[name], field.image_mask
        facts[argument] = fingerprint(field.image)
        facts[f"{argument}_mask"] = None if mask is None else fingerprint(ArrayWindows(mask))
        besides = {other: fingerprint(each) for other, each in sorted(field.companions.items())}
        facts["companions" if name == "image" else f"{argument}_companions"] = besides
    return facts


def choose_tiles(
    fields: dict[str, Field],
    parameters: Parameters,
    resources: Resources,
    n_workers: int,
    memory: int,
) -> tuple[Tiling, int]:
    """Return the tiles that fit into the memory, and the margin that they are read with."""
    shape, size = fields["image"].shape, parameters.box_size
    height, width = (size, size) if isinstance(size, int) else size
    step = min(height, shape[0]), min(width, shape[1])
    margin = max(MARGIN, int(2 * max(parameters.aperture_radii, default=0)))
    if resources.tile is not None:
        margin = min(margin, max(resources.tile) // LARGEST_MARGIN)
        (high, wide), (by_y, by_x) = resources.tile, step
        return Tiling(shape, (high // by_y * by_y or by_y, wide // by_x * by_x or by_x)), margin
    if resources.memory is not None:
        memory = in_bytes(resources.memory)
    itemsize = sum(itemsize_of(field.image) for field in fields.values())
    return tiles_for(shape, itemsize, memory, n_workers, margin, step), margin

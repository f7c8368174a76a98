"""Begin or resume a run over tiles in its workspace, and finish it."""

import hashlib
import os
import shutil
import tempfile
import weakref
from contextlib import closing
from typing import Any

from skyshed.chain.progress import TileProgress
from skyshed.chain.request import Request
from skyshed.heap import share_one_heap
from skyshed.images.arrays import ArraySource
from skyshed.images.fingerprint import content_digest
from skyshed.images.null_planes import ConstantSource
from skyshed.images.wcs_digest import wcs_digest
from skyshed.kernels.threads import resolve_n_threads
from skyshed.mosaic.bands import TiledBands
from skyshed.mosaic.engine import Cluster, Threads, connect
from skyshed.mosaic.job import Job
from skyshed.mosaic.run import TiledRun, phases_of, run_tiles
from skyshed.mosaic.tiling import Tiling
from skyshed.mosaic.workspace import Workspace

__all__ = ["run_by_tiles"]

#: Bytes of an array in memory that may be sent to the workers of a cluster.
MOST_SENT = 40_000_000


def run_by_tiles(
    request: Request,
    tiling: Tiling,
    margin: int,
    n_workers: int,
    *,
    workspace: Any = None,
    scheduler: Any = None,
    restart: bool = False,
    progress: bool | None = False,
    gpus: tuple[int, ...] = (),
) -> TiledRun:
    """Find and measure the sources of a request tile by tile.

    Parameters
    ----------
    request : Request
        What is asked for.
    tiling : Tiling
        The tiles. A run that is resumed keeps those it was begun with.
    margin : int
        Pixels around a tile that are read with it.
    n_workers : int
        Tiles that are worked on at a time, if not by a cluster.
    workspace, scheduler, restart, progress
        See `skyshed.extract`.
    gpus : tuple of int, optional
        The numbers of several GPUs that share the tiles; none for the current device.

    Raises
    ------
    WorkspaceError
        If the workspace belongs to another run, or is in use.
    TileError
        If a tile cannot be finished.

    Warns
    -----
    NoDetectionsWarning, DeblendWarning, CrowdedWarning
        See `skyshed.extract`.
    """
    share_one_heap()
    temporary = workspace is None
    folder = tempfile.mkdtemp(prefix="skyshed-") if temporary else os.path.abspath(workspace)
    try:
        with closing(connect(scheduler, n_workers, gpus)) as engine:
            if isinstance(engine, Cluster):
                _check_sendable(request)
            identity = _identity(request, tiling, margin, resumable=not temporary)
            run = _run(
                request,
                tiling,
                identity,
                Workspace(folder, not temporary),
                engine,
                restart,
                progress,
            )
    except BaseException:
        if temporary:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if temporary:
        # Whatever reads from the folder later, such as a map of labels, holds the job.
        weakref.finalize(run.job, shutil.rmtree, folder, ignore_errors=True)
    run.warn()
    return run


def _run(
    request: Request,
    tiling: Tiling,
    identity: dict[str, Any],
    workspace: Workspace,
    engine: Threads | Cluster,
    restart: bool,
    progress: bool | None,
) -> TiledRun:
    """Do what the workspace leaves to do."""
    with workspace.held():
        begun = workspace.begin(identity, keep=("tile", "margin"), restart=restart)
        tiling = Tiling(tiling.shape, (begun["tile"][0], begun["tile"][1]))
        # Tiles are what threads share; where there are few tiles, threads share each of them too.
        n_threads = engine.per_process()
        if isinstance(engine, Threads):
            n_threads = resolve_n_threads(request.parameters.n_threads)
        threads = max(1, n_threads // min(engine.per_process(), len(tiling)))
        job = Job(request.with_threads(threads), tiling, workspace, begun["margin"])
        n_phases = len(phases_of(request))
        with TileProgress(n_phases * len(tiling), progress) as begin:
            run_tiles(job, engine, begin)
        # What was read while an image changed belongs to neither state of it.
        workspace.begin({**begun, **_facts(request)})
    kind = TiledBands if request.of_band else TiledRun
    return kind(job, request.parameters)


def _identity(
    request: Request, tiling: Tiling, margin: int, *, resumable: bool
) -> dict[str, Any]:  # fmt: skip
    """Return what tells a run from others, as JSON can hold it.

    What is in memory is known by all its pixels where the run may be gone on with (``resumable``):
    nothing else says that an array is still the one that the run was begun with.
    """
    parameters = request.parameters.to_dict()
    n_threads = parameters.pop("n_threads")
    calibration = request.calibration
    return {
        **_facts(request),
        "contents": _contents(request, n_threads) if resumable else {},
        "microjansky_per_unit": None if calibration is None else repr(calibration.microjansky),
        "parameters": parameters,
        **_identity_of_bands(request),
        **({} if request.association is None else {"association": request.association.digest()}),
        "wcs": wcs_digest(request.wcs, request.shape),
        "tile": tiling.side,
        "margin": margin,
    }


def _identity_of_bands(request: Request) -> dict[str, Any]:
    """Return what tells a run over several bands from others; nothing for one image."""
    if request.combination is None:
        return {}
    bands = {}
    for name in request.of_band:
        calibration = request.calibration_of(name)
        parameters = request.parameters_of(name).to_dict()
        parameters.pop("n_threads")
        known = None if calibration is None else repr(calibration.microjansky)
        bands[name] = {**parameters, "microjansky_per_unit": known}
    made_of = {**vars(request.combination), "scales": list(map(repr, request.combination.scales))}
    matching = {
        name: hashlib.sha256(repr(kernel.tolist()).encode()).hexdigest()
        for name, kernel in request.matching.items()
    }
    return {"bands": bands, "combination": made_of, "matching": matching}


def _contents(request: Request, n_threads: int | None) -> dict[str, str]:
    """Return checksums of all images that no file is known by, by the names of arguments.

    Images of one value are known by that.
    """
    sources = {
        name: each
        for name, each in request.sources().items()
        if not each.files and not all(isinstance(base, ConstantSource) for base in each.bases)
    }
    known = request.known
    if known is not None and known.mask is not None:
        sources["segmentation_mask"] = known.mask
    if request.detection_cat is not None:
        frame = request.detection_cat.frame
        images = {name: getattr(frame, name) for name in ("data", "shape_data", "labels", "mask")}
        for name, image in images.items():
            if image is not None:
                sources[f"detection_cat_{name}"] = ArraySource(image)
    return {name: content_digest(source, n_threads) for name, source in sorted(sources.items())}


def _facts(request: Request) -> dict[str, Any]:
    """Return what tells the images from others, by the names of arguments."""
    sources = {name: source.fingerprint() for name, source in sorted(request.sources().items())}
    return {"device": request.exposure.device or "cpu", **sources}


def _check_sendable(request: Request) -> None:
    """Refuse images in the memory of this process that are too large to be sent to workers."""
    held = {name: source.held_bytes for name, source in request.sources().items()}
    if request.detection_cat is not None:
        labels = request.detection_cat.frame.labels
        held["detection_cat"] = labels.size * labels.itemsize
    for name, size in held.items():
        if size > MOST_SENT:
            raise ValueError(
                f"{name} takes {size / 1e6:.0f} MB in the memory of this process, which the "
                f"workers of a cluster do not see; at most {MOST_SENT / 1e6:.0f} MB are sent to "
                "them: give a FITS file, a Zarr array or a memory map that they can all read"
            )

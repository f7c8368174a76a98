"""`survey`: many exposures, on many machines, into one catalog."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Unpack

from skyshed.arguments import check_positive_integer
from skyshed.extraction.device import check_device, gpus_of
from skyshed.extraction.turns import check_settings
from skyshed.kernels.threads import resolve_n_threads
from skyshed.mosaic.memory import in_bytes
from skyshed.optional import need
from skyshed.parameters import Parameters
from skyshed.parameters.overrides import Overrides
from skyshed.parameters.validators import Integer
from skyshed.surveys.flow import Flow, flow_on
from skyshed.surveys.listing import read_listing
from skyshed.surveys.result import Survey
from skyshed.surveys.run import WORK, Run

__all__ = ["survey"]


def survey(
    images: Any,
    catalog: Any,
    *,
    hdu: Any = None,
    weight: Any = None,
    rms: Any = None,
    variance: Any = None,
    background: Any = None,
    error: Any = None,
    mask: Any = None,
    quality: Any = None,
    segmentation: Any = None,
    detection_image: Any = None,
    detection_weight: Any = None,
    detection_rms: Any = None,
    detection_variance: Any = None,
    detection_background: Any = None,
    detection_mask: Any = None,
    wcs: Any = None,
    region: Any = None,
    profile: Any = None,
    keep: Sequence[str] = (),
    parameters: Parameters | None = None,
    device: str | None = None,
    memory: int | str | None = None,
    scheduler: Any = None,
    n_workers: int | None = None,
    retries: int = 1,
    per_task: int = 8,
    partition_rows: int = 500_000,
    workspace: Any = None,
    restart: bool = False,
    progress: bool | None = False,
    **overrides: Unpack[Overrides],
) -> Survey:
    """Extract many exposures on many machines, into one catalog that is partitioned by sky.

    Each image has the sources that `skyshed.extract` finds, bit by bit. An image that fails is an
    entry in the table of images, and does not end the others. A survey that was interrupted, by
    whatever, goes on where it was: call it again. Needs the extra ``survey``.

    Parameters
    ----------
    images : path, sequence of path, table or mapping of columns
        The exposures: a file of names, one a line; a table (CSV, ECSV, Parquet, or an astropy one)
        with a column ``image`` and columns of further arguments; or a list of paths. Of an exposure
        of several images (``hdu="all"``) all are extracted.
    catalog : path
        The folder of the catalog: a HATS catalog, which LSDB reads, and ``images.parquet``.
    hdu, weight, rms, variance, background, error, mask, quality, segmentation, detection_image
    detection_weight, detection_rms, detection_variance, detection_background,
    detection_mask, wcs, region, profile
        As in `skyshed.extract`, for all exposures. Files are given by a pattern with ``{folder}``,
        ``{stem}``, ``{file}`` or ``{hdu}`` of the image: ``"{folder}/{stem}.weight.fits"``.
    keep : sequence of str, optional
        Further columns of the list, which go into the table of images: the night, the filter.
    parameters : `Parameters`, optional
        The parameters of the chain.
    device : {"cpu", "cuda", "cuda:0,2", "auto"}, optional
        As in `skyshed.extract`. With ``"cuda"``, or several by their numbers, processes of this
        machine have a GPU each.
    memory : int or str, optional
        What an image may take. By default 60 % of what Dask lets a worker take, by its threads. An
        image that needs more is worked on tile by tile.
    scheduler : str or `distributed.Client`, optional
        The Dask scheduler whose workers do the work; they must see all files under the same names.
    n_workers : int, optional
        Without a scheduler: how many processes of this machine do. By default one for each core, or
        for each GPU with ``device="cuda"``.
    retries : int, optional
        How often an exposure that failed is tried again, after the others. A refusal (of a file
        that is no image, say) is not, but by the next call.
    per_task : int, optional
        How many exposures a worker is given at a time. The next is read while one is worked on.
    partition_rows : int, optional
        The rows of a partition: pixels of the sky are split until they hold no more, down to those
        of HEALPix order 10 (3.4 arcminutes).
    workspace : path, optional
        The folder to work in, which all workers see. By default one in that of the catalog.
    restart : bool, optional
        Whether to begin anew where a survey lies, or another was begun.
    progress : bool or None, optional
        Whether to show how many are done on standard error; `None` does so on a terminal.
    **overrides
        Single parameters, which go before ``parameters``, under either spelling.

    Returns
    -------
    survey : `~skyshed.surveys.Survey`
        The catalog, and what is known of it.

    Raises
    ------
    ValueError
        If an argument is not allowed, or the folder holds something else.
    TypeError
        If an argument has the wrong type.
    ImportError
        If a package that is needed is not installed.
    OSError
        If there is no scheduler or no worker, a file can't be written, or a record was lost: the
        same call goes on.
    WorkspaceError
        If another survey is at work there.

    Examples
    --------
    >>> import tempfile
    >>> from astropy.io import fits
    >>> from distributed import Client
    >>> from skyshed import survey
    >>> from skyshed.datasets import make_survey_image
    >>> folder = tempfile.mkdtemp()
    >>> image = make_survey_image((256, 256), seed=1)
    >>> fits.writeto(f"{folder}/a.fits", image.data, image.header)
    >>> exposures = [f"{folder}/a.fits", f"{folder}/b.fits"]
    >>> with Client(processes=False, dashboard_address=None) as client:
    ...     found = survey(exposures, f"{folder}/catalog", scheduler=client, nsigma=5)
    >>> found.n_images, found.n_failed
    (2, 1)
    >>> found.images["state"].tolist()
    ['done', 'failed']
    """
    for_all = {
        "hdu": hdu, "weight": weight, "rms": rms, "variance": variance, "background": background,
        "error": error, "mask": mask, "quality": quality, "segmentation": segmentation,
        "detection_image": detection_image, "detection_weight": detection_weight,
        "detection_rms": detection_rms, "detection_variance": detection_variance,
        "detection_background": detection_background, "detection_mask": detection_mask,
        "wcs": wcs, "region": region, "profile": profile,
    }  # fmt: skip
    kind = check_device(device, scheduler)
    if scheduler is not None and n_workers is not None:
        raise ValueError(
            f"n_workers={n_workers} is about processes of this machine, and a scheduler has "
            "workers of its own: leave one of them out"
        )
    retries = Integer(0).check(retries, "retries")
    per_task = check_positive_integer(per_task, "per_task")
    partition_rows = check_positive_integer(partition_rows, "partition_rows")
    if n_workers is not None:
        n_workers = check_positive_integer(n_workers, "n_workers")
    for package, extra in (("distributed", "mosaic"), ("pyarrow", "parquet")):
        need(package, "a survey", extra)
    need("cdshealpix", "a catalog that is partitioned by sky", "survey")
    settings = check_settings(parameters, overrides, None, memory, scheduler)
    listing = read_listing(images, for_all, keep)
    folder = Path(os.path.abspath(os.fspath(catalog)))
    work = folder / WORK if workspace is None else Path(os.path.abspath(os.fspath(workspace)))
    run = Run(
        folder, work, listing, settings, kind, None if memory is None else in_bytes(memory),
        retries, per_task, partition_rows,
    )  # fmt: skip
    return run.carry_out(
        lambda: _flow(scheduler, n_workers, device), restart=restart, progress=progress
    )


def _flow(
    scheduler: Any, n_workers: int | None, device: str | None
) -> AbstractContextManager[Flow]:  # fmt: skip
    """Return what runs tasks on the workers, as a context."""
    if scheduler is not None:
        return flow_on(scheduler)
    gpus = gpus_of("cuda:all" if device == "cuda" else device)
    return flow_on(None, n_workers or len(gpus) or resolve_n_threads(None), gpus)

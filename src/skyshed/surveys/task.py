"""What a worker does for some exposures: it extracts each, and leaves its sources in a record."""

import socket
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skyshed.chain.columns import spelled_out
from skyshed.extraction.batch import take_turns
from skyshed.extraction.hdus import Chosen, choose_hdus
from skyshed.extraction.outcome import Outcome
from skyshed.extraction.plan import Resources
from skyshed.extraction.turns import Turn
from skyshed.images.pixels import RefusedError
from skyshed.messages import one_line
from skyshed.mosaic.engine import LATE, versions
from skyshed.mosaic.memory import SHARE
from skyshed.output.atomic import remove
from skyshed.output.table_parts import PlainTable
from skyshed.parameters import Parameters
from skyshed.surveys.ledger import DONE, FAILED
from skyshed.surveys.listing import HDU
from skyshed.surveys.records import append
from skyshed.surveys.seeing import COLUMNS as OF_STARS
from skyshed.surveys.seeing import FWHM, seeing
from skyshed.surveys.sky import COLUMN, count
from skyshed.surveys.sources import NEEDED, as_batch, joined

__all__ = ["IDENTITY", "Job", "extract_some"]

#: The file that says what a survey is.
IDENTITY = "survey.json"
#: The folder of workspaces of exposures that are worked on tile by tile.
TILES = "tiles"
#: Characters of warnings and errors that a ledger keeps of an image.
MOST_TEXT = 500
#: Errors of requests that will be the same next time.
REFUSALS = (ValueError, TypeError, NotImplementedError)
#: Signal-to-noise ratio of a point source at the limiting flux.
LIMIT = 5.0


@dataclass(frozen=True)
class Job:
    """A survey, as it is sent to workers.

    Attributes
    ----------
    folder : str
        Where it works, which all workers see.
    sign : str
        What the file `IDENTITY` there holds, by which a worker knows the folder.
    versions : str
        The versions that all must have.
    parameters : Parameters
        Those of the chain.
    device, memory
        See `skyshed.extract`.
    n_threads : int or None
        Threads of an image, if ``parameters`` do not say; `None` for those of the worker.
    """

    folder: str
    sign: str
    versions: str
    parameters: Parameters
    device: str | None = None
    memory: int | None = None
    n_threads: int | None = None

    def check(self) -> None:
        """See that this worker can do the work.

        Raises
        ------
        RefusedError
            If it has another version of skyshed, or does not see the folder.
        """
        if versions() != self.versions:
            raise RefusedError(
                f"the workers have {versions()}, this process has {self.versions}: install the "
                "same version on all"
            )
        path, end = Path(self.folder) / IDENTITY, time.monotonic() + LATE
        while True:
            with suppress(OSError):
                if path.read_text(encoding="utf-8") == self.sign:
                    return
            if time.monotonic() > end:
                raise RefusedError(
                    f"the workers do not see {path}: the folder must be on a file system that they "
                    "share with this process"
                )
            time.sleep(0.1)


def extract_some(
    job: Job, exposures: Sequence[tuple[int, str, Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Extract some exposures; return an entry of the ledger for each.

    Parameters
    ----------
    job : Job
        The survey.
    exposures : sequence of (int, str, mapping)
        Number, path and arguments of each.

    Raises
    ------
    RefusedError
        If this worker cannot do the work at all.
    """
    job.check()
    turns: list[Turn] = []
    owners: list[int] = []
    for number, image, options in exposures:
        own = _turns(job, number, image, options)
        turns += own
        owners += [number] * len(own)
    writer = _writer()
    entries: list[Future[dict[str, Any]]] = []
    # Sources are written while the next exposure is extracted; only one set of them waits.
    outcomes = take_turns(turns)
    with closing(outcomes), ThreadPoolExecutor(1) as pool:  # type: ignore[type-var]
        for number, _, _ in exposures:
            images = [_image(job, number, outcomes) for _ in range(owners.count(number))]
            if entries:
                entries[-1].result()
            entries.append(pool.submit(_entry, job, number, images, writer))
            del images
    return [each.result() for each in entries]


def _turns(job: Job, number: int, image: str, options: Mapping[str, Any]) -> list[Turn]:
    """Return the turns of an exposure, one for each of its HDUs that are meant."""
    options = dict(options)
    hdu = options.pop("hdu", None)
    limit, threads = _of_this_worker()
    memory = job.memory if job.memory is not None or limit is None else int(SHARE * limit / threads)
    parameters = _measured(job.parameters)
    if parameters.n_threads is None:
        parameters = parameters.replace(n_threads=job.n_threads or threads)
    chosen = choose_hdus([image], [hdu], [image])
    scratch = Path(job.folder) / TILES / str(number)
    return [
        Turn(
            each.image, each.name,
            {
                **_of_hdu(options, each), "hdu": each.hdu, "parameters": parameters,
                "device": job.device,
            },
            Resources(memory, scratch=scratch if len(chosen) == 1 else scratch / str(k)),
            each.hdu_name,
        )
        for k, each in enumerate(chosen)
    ]  # fmt: skip


def _of_hdu(options: Mapping[str, Any], chosen: Chosen) -> dict[str, Any]:
    """Return arguments whose patterns are filled for an HDU."""
    named = str(chosen.hdu if chosen.hdu_name is None else chosen.hdu_name)
    return {
        name: value.replace(HDU, named) if isinstance(value, str) else value
        for name, value in options.items()
    }


def _of_this_worker() -> tuple[int | None, int]:
    """Return the memory that this worker may take, if that is known, and its threads."""
    try:
        from distributed import get_worker

        worker = get_worker()
    except (ImportError, ValueError):  # no worker of Dask's
        return None, 1
    limit = worker.memory_manager.memory_limit
    return (int(limit) if limit else None), int(worker.state.nthreads)


def _measured(parameters: Parameters) -> Parameters:
    """Return parameters by which all columns are measured that a survey needs."""
    asked = spelled_out(parameters.columns, has_wcs=True)
    if parameters.columns is None or asked is None:
        return parameters
    lacking = [name for name in (*NEEDED, *OF_STARS) if name not in asked]
    return parameters.replace(columns=(*parameters.columns, *lacking))


def _image(job: Job, number: int, outcomes: Iterator[Outcome]) -> tuple[dict[str, Any], Any]:
    """Extract the next image; return its facts, and its sources if that was possible."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        outcome = next(outcomes)
        facts: dict[str, Any] = {
            "name": outcome.name, "hdu": outcome.hdu, "hdu_name": outcome.hdu_name,
            "seconds": round(outcome.seconds, 4),
        }  # fmt: skip
        error, batch = outcome.error, None
        if error is None:
            try:
                plain = _measured_of(outcome)
                batch = _sources(job, number, outcome, plain)
                facts |= _facts(outcome, plain)
            except Exception as failure:  # the others may well be right
                error, batch = failure, None
    ours = (each for each in heard if each.category.__module__.startswith("skyshed."))
    texts = dict.fromkeys(one_line(each.message) for each in ours)
    facts["warnings"] = "; ".join(texts)[:MOST_TEXT]
    facts["state"] = DONE if error is None else FAILED
    if error is not None:
        kind = "" if isinstance(error, (*REFUSALS, OSError)) else f"{type(error).__name__}: "
        facts["error"] = f"{kind}{one_line(error)}"[:MOST_TEXT]
        facts["again"] = not isinstance(error, REFUSALS)
    return facts, batch


def _measured_of(outcome: Outcome) -> PlainTable:
    """Return the table of an image.

    Raises
    ------
    ValueError
        If it is not known where the image is on the sky.
    """
    found = outcome.extraction
    assert found is not None
    if found.wcs is None:
        raise ValueError("it has no WCS, and the catalog is partitioned by sky: give wcs")
    return found.plain_table


def _sources(job: Job, number: int, outcome: Outcome, plain: PlainTable) -> Any:
    """Return the sources of an image as the catalog has them."""
    found = outcome.extraction
    assert found is not None

    def middles(rows: Any) -> tuple[Any, Any]:
        places = found.segmentation.get_indices(plain.columns["label"][rows])
        every = found.segmentation.slices
        y, x = ([_middle(every[place][axis]) for place in places] for axis in (0, 1))
        return _on_sky(found.wcs, np.array(x), np.array(y))

    asked = spelled_out(job.parameters.columns, has_wcs=True)
    added = () if asked is None else set(OF_STARS) - set(asked) - set(NEEDED)
    return as_batch(plain, middles, number, outcome.hdu, added)


def _middle(side: slice) -> float:
    return float(side.start + side.stop - 1) / 2


def _on_sky(wcs: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Return where pixels are, ICRS in degrees."""
    sky = wcs.pixel_to_world(x, y).icrs
    return np.asarray(sky.ra.deg), np.asarray(sky.dec.deg)


def _facts(outcome: Outcome, plain: PlainTable) -> dict[str, Any]:
    """Return what the table of images says of an image."""
    found = outcome.extraction
    assert found is not None
    ny, nx = found.shape
    background = found.background2d
    noise = float(background.background_rms_median)
    parameters = found.parameters
    width = seeing(plain.columns, found.data)
    ra, dec = _on_sky(found.wcs, (nx - 1) / 2, (ny - 1) / 2)
    matrix = getattr(found.wcs, "pixel_scale_matrix", None)
    scale = None if matrix is None else 3600 * float(abs(np.linalg.det(matrix))) ** 0.5
    zero_point = found.record.get("zero_point_ab")
    return {
        "ny": ny, "nx": nx, "ra": float(ra), "dec": float(dec), "pixel_scale": scale,
        "unit": "" if found.unit is None else found.unit.to_string(),
        "n_sources": outcome.n_sources,
        "background": float(background.background_median), "background_rms": noise,
        "depth": parameters.npixels * parameters.nsigma * noise,
        "seeing": width,
        # Noise that is white, a Gaussian star, weights that are best: King (1983).
        "limiting_flux": LIMIT * noise * np.sqrt(4 * np.pi) * width / FWHM,
        "zero_point_ab": None if zero_point is None else float(zero_point),
        "profile": outcome.profile,
    }  # fmt: skip


def _entry(
    job: Job, number: int, images: Sequence[tuple[dict[str, Any], Any]], writer: str
) -> dict[str, Any]:
    """Write the sources of an exposure, and return what the ledger says of it."""
    facts = [each for each, _ in images]
    batches = [batch for _, batch in images if batch is not None]
    entry: dict[str, Any] = {"exposure": number, "images": facts}
    if batches:
        try:
            batch = joined(batches)
            entry["record"] = append(Path(job.folder), writer, batch)
            entry["pixels"] = [each.tolist() for each in count(batch[COLUMN].to_numpy())]
        except (OSError, ValueError) as error:
            for each in facts:
                each.setdefault("error", one_line(error)[:MOST_TEXT])
                each |= {"state": FAILED, "again": isinstance(error, OSError)}
    failed = [each for each in facts if each["state"] == FAILED]
    entry["state"] = FAILED if failed else DONE
    entry["again"] = any(each["again"] for each in failed)
    remove(Path(job.folder) / TILES / str(number))
    return entry


def _writer() -> str:
    """Return the name of the file that this thread alone writes to."""
    try:
        from distributed import get_worker

        name = get_worker().id
    except (ImportError, ValueError):
        name = socket.gethostname()
    # The thread's number may be used again when it is gone, but not at the same time.
    kept = "".join(each if each.isalnum() else "-" for each in str(name))
    return f"{kept}-{threading.get_native_id()}"

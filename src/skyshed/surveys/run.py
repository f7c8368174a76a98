"""One run of a survey: what is left to do, done, and the catalog made of all that there is."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from skyshed.chain.progress import TileProgress
from skyshed.exceptions import WorkspaceError
from skyshed.messages import one_line
from skyshed.mosaic.engine import versions
from skyshed.mosaic.workspace import LOCK, Workspace
from skyshed.output.atomic import flush_names, remove, whole_file
from skyshed.output.run_record import run_record
from skyshed.output.sealed import DamagedError
from skyshed.parameters import Parameters
from skyshed.surveys.catalog import Catalog, unified
from skyshed.surveys.flow import Flow
from skyshed.surveys.hats import (
    DATASET,
    OLD_PROPERTIES,
    PARTITIONS,
    PROPERTIES,
    file_of,
    write_about,
    write_partition,
)
from skyshed.surveys.images_table import IMAGES, write_images
from skyshed.surveys.ledger import DONE, FAILED, Ledger
from skyshed.surveys.listing import Listing
from skyshed.surveys.result import SUMMARY, Survey
from skyshed.surveys.task import IDENTITY, Job, extract_some

__all__ = ["WORK", "Run"]

#: The layout of the files that a survey works with.
SCHEMA = 1
#: The folder in that of the catalog where it works; it goes when all is done.
WORK = ".survey"
#: The file of the ledger.
LEDGER = "ledger"
#: What the folder of unfinished partitions begins with.
STAGE = ".dataset-"
#: What is in the folder of a catalog.
RESULTS = (SUMMARY, PROPERTIES, OLD_PROPERTIES, PARTITIONS, IMAGES, DATASET)


class Run:
    """One run of a survey; see `skyshed.survey`.

    Parameters
    ----------
    folder, work : Path
        The folder of the catalog, and that to work in.
    listing : Listing
        The exposures.
    parameters : Parameters
        Those of the chain.
    device : str or None
    memory : int or None
    retries, per_task, partition_rows : int
        See `skyshed.survey`.
    """

    def __init__(
        self, folder: Path, work: Path, listing: Listing, parameters: Parameters,
        device: str | None, memory: int | None, retries: int, per_task: int, partition_rows: int,
    ) -> None:  # fmt: skip
        self._folder, self._work, self._listing = folder, work, listing
        self._parameters, self._retries, self._per_task = parameters, retries, per_task
        self._rows = partition_rows
        settings = {
            name: each for name, each in parameters.to_dict().items() if name != "n_threads"
        }
        self._identity: dict[str, Any] = json.loads(
            json.dumps(
                {
                    "schema": SCHEMA, "n_exposures": len(listing), "exposures": listing.digest(),
                    "parameters": settings,
                }
            )
        )  # fmt: skip
        sign = json.dumps(self._identity, indent=1, sort_keys=True)
        self._job = Job(str(work), sign, versions(), parameters, device, memory)

    def carry_out(
        self, flow: Callable[[], AbstractContextManager[Flow]], *, restart: bool,
        progress: bool | None,
    ) -> Survey:  # fmt: skip
        """Do what is left to do.

        Parameters
        ----------
        flow : callable
            Returns what runs tasks; it is called when there are some.
        restart, progress
            See `skyshed.survey`.

        Raises
        ------
        ValueError
            If the folder holds another survey, or this one finished in other partitions.
        """
        if restart:
            self._clear()
        finished = self._finished()
        if finished is not None and (finished.n_failed == 0 or not self._is_begun()):
            if finished.partition_rows != self._rows:
                raise ValueError(
                    f"{self._folder} holds the finished catalog, in partitions of at most "
                    f"{finished.partition_rows} rows, and partition_rows is {self._rows}: choose "
                    "another folder, or begin anew (restart)"
                )
            self._tidy()
            return finished
        self._begin()
        with ExitStack() as stack:
            stack.enter_context(Workspace(str(self._work)).held())
            ledger = stack.enter_context(Ledger(self._work / LEDGER, len(self._listing)))
            begin = stack.enter_context(TileProgress(len(self._listing), progress))
            workers = _Once(lambda: stack.enter_context(flow()))
            extracted = self._extract(ledger, workers, begin)
            if finished is not None and not extracted and finished.partition_rows == self._rows:
                return finished  # nothing came of another look
            schema = self._schema(ledger)
            catalog = Catalog(self._work, ledger, self._rows)
            stage = self._folder / f"{STAGE}{catalog.digest()}"
            self._write(catalog, stage, schema, ledger, workers)
            survey = self._publish(catalog, stage, schema, ledger)
        if survey.n_failed == 0:
            self._tidy()
        return survey

    def _tidy(self) -> None:
        """Remove what this survey worked with, which nobody needs any more."""
        path = self._work / IDENTITY
        if path.exists() and path.read_text(encoding="utf-8") == self._job.sign:
            remove(self._work)

    def _is_begun(self) -> bool:
        return (self._work / IDENTITY).exists()

    def _finished(self) -> Survey | None:
        """Return what an earlier run has finished here.

        Raises
        ------
        ValueError
            If the folder holds another survey, or something else.
        """
        folder = self._folder
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is a file: choose another folder for the catalog")
        path = folder / SUMMARY
        if path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))
            if known.get("identity") != self._identity:
                raise ValueError(
                    f"{folder} holds a catalog of other exposures or parameters: choose another "
                    "folder, or begin anew (restart)"
                )
            return Survey(folder)
        if folder.is_dir() and not self._is_begun():
            strange = sorted(each.name for each in folder.iterdir() if each != self._work)
            if strange:
                raise ValueError(
                    f"{folder} holds other files ({strange[0]}): choose a folder that is empty or "
                    "new for the catalog"
                )
        return None

    def _begin(self) -> None:
        """Take the folder to work in for this survey.

        Raises
        ------
        ValueError
            If it holds another, or something else.
        """
        path = self._work / IDENTITY
        if path.exists():
            if path.read_text(encoding="utf-8") != self._job.sign:
                raise ValueError(
                    f"{self._work} holds a survey of other exposures or parameters: finish that, "
                    "choose another folder, or begin anew (restart)"
                )
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._work.mkdir(parents=True, exist_ok=True)
        others = [each.name for each in self._work.iterdir() if each.name != LOCK]
        if others:
            raise ValueError(
                f"workspace {self._work} holds other files ({others[0]}): choose a folder that is "
                "empty or new"
            )
        with whole_file(path) as part:
            part.write_text(self._job.sign, encoding="utf-8")

    def _clear(self) -> None:
        """Remove what surveys leave, and nothing else.

        Raises
        ------
        WorkspaceError
            If one is at work.
        """
        if self._is_begun():
            with Workspace(str(self._work)).held():
                pass
            remove(self._work)
        if (self._folder / SUMMARY).exists() or (self._folder / PROPERTIES).exists():
            for name in RESULTS:
                remove(self._folder / name)
        for path in self._folder.glob(f"{STAGE}*"):
            remove(path)

    def _extract(self, ledger: Ledger, workers: "_Once", begin: TileProgress) -> bool:
        """Extract the exposures that are left; return whether anything was found."""
        finished = begin("exposures", ledger.n_done)
        left = ledger.left()
        if not left:
            return False
        waiting = deque(
            tuple(left[at : at + self._per_task]) for at in range(0, len(left), self._per_task)
        )
        attempts: dict[int, int] = {}  # of those that failed
        found = False

        def take() -> list[Any] | None:
            if not waiting:
                return None
            return [(number, *self._listing[number]) for number in waiting.popleft()]

        for given, entries, error in workers().each(extract_some, take, self._job):
            if error is not None and len(given) > 1:  # one of them ends workers: each by itself
                waiting.extend((number,) for number, *_ in given)
                continue
            if error is not None:
                entries = [_lost(given[0][0], given[0][1], error)]
            for entry in entries:
                number = entry["exposure"]
                attempts[number] = attempts.get(number, 0) + 1
                again = entry.pop("again", False)
                ledger.add({**entry, "attempts": attempts[number]})
                found = found or "record" in entry
                if entry["state"] == FAILED and again and attempts[number] <= self._retries:
                    waiting.append((number,))
                    continue
                del attempts[number]
                finished()
        return found

    def _schema(self, ledger: Ledger) -> Any:
        """Return the schema of the catalog; exposures that do not fit in have failed.

        Raises
        ------
        WorkspaceError
            If it cannot be read.
        """
        try:
            schema, wrong = unified(self._work, ledger)
        except DamagedError as error:
            raise WorkspaceError(f"{error}: begin anew (restart)") from error
        for number, text in wrong.items():
            entry = ledger.entry(number)
            assert entry is not None
            for name in ("record", "pixels"):
                del entry[name]
            entry["images"] = [
                {**each, "state": FAILED, "error": each.get("error") or text}
                for each in entry["images"]
            ]
            ledger.add({**entry, "state": FAILED})
        return schema

    def _write(
        self, catalog: Catalog, stage: Path, schema: Any, ledger: Ledger, workers: "_Once"
    ) -> None:
        """Write the partitions that are not there.

        Raises
        ------
        WorkspaceError
            If a record was lost; its exposure is to be extracted again.
        OSError
            If a partition cannot be written.
        """
        for path in self._folder.glob(f"{STAGE}*"):
            if path != stage:  # of what was found before
                remove(path)
        stage.mkdir(exist_ok=True)
        parts = (each for each in catalog.parts() if not (stage / file_of(each[0])).exists())
        first = next(parts, None)
        if first is None:
            return
        ahead = deque([first])

        def take() -> Any:
            return ahead.popleft() if ahead else next(parts, None)

        content = schema.serialize().to_pybytes()
        common = str(self._work), str(stage), content
        for (pixel, places), result, error in workers().each(write_partition, take, *common):
            if error is not None:
                raise OSError(
                    f"the partition {file_of(pixel)} cannot be written ({one_line(error)}); what "
                    "is finished is kept: the same call goes on, with fewer partition_rows if "
                    "memory is short"
                ) from error
            if isinstance(result, str):
                self._forget(ledger, places)
                raise WorkspaceError(
                    f"{result}: the same call extracts again what the partition {file_of(pixel)} "
                    "was to be made of"
                )
            if result != catalog.counts[pixel]:
                raise OSError(
                    f"the partition {file_of(pixel)} has {result} rows, "
                    f"{catalog.counts[pixel]} were counted: begin anew (restart)"
                )

    def _forget(self, ledger: Ledger, places: list[Any]) -> None:
        """Take the exposures of some records for not done."""
        lost = {tuple(each) for each in places}
        for entry in list(ledger.entries()):
            if tuple(entry.get("record", ())) in lost:
                for name in ("record", "pixels"):
                    del entry[name]
                ledger.add({**entry, "state": FAILED})

    def _publish(self, catalog: Catalog, stage: Path, schema: Any, ledger: Ledger) -> Survey:
        """Put the partitions in their place, with all that is known of them."""
        folder = self._folder
        n_images = write_images(folder / IMAGES, ledger.entries(), self._listing)
        # Without properties there is no catalog: nobody reads one that is half another.
        for name in (SUMMARY, PROPERTIES, OLD_PROPERTIES):
            remove(folder / name)
        remove(folder / DATASET)
        stage.rename(folder / DATASET)
        flush_names(folder)
        record = run_record({})
        if schema is not None:
            write_about(
                folder, folder / DATASET, schema, catalog.counts, folder.name, self._rows, record
            )
        failed = sum(
            image["state"] != DONE for entry in ledger.entries() for image in entry["images"]
        )
        summary = {
            "n_exposures": len(self._listing), "n_images": n_images, "n_failed": failed,
            "n_sources": sum(catalog.counts.values()), "partition_rows": self._rows,
            "parameters": self._parameters.to_dict(), "record": record, "identity": self._identity,
        }  # fmt: skip
        with whole_file(folder / SUMMARY) as part:
            part.write_text(json.dumps(summary, indent=1), encoding="utf-8")
        return Survey(folder)


class _Once:
    """Makes something when it is first asked for."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._made = make, None

    def __call__(self) -> Any:
        """Return it."""
        if self._made is None:
            self._made = self._make()
        return self._made


def _lost(number: int, image: str, error: Exception) -> Mapping[str, Any]:
    """Return the entry of an exposure whose task could not be carried out."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        text = "the workers that had it died, one after the other: of too little memory?"
    else:
        text = f"{type(error).__name__}: {one_line(error)}"
    facts = {"name": image, "state": FAILED, "error": text}
    return {"exposure": number, "images": [facts], "state": FAILED, "again": True}

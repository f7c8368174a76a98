"""From the records of exposures to the partitions of a catalog."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from skyshed.surveys.hats import covering
from skyshed.surveys.ledger import Ledger
from skyshed.surveys.records import load_schema
from skyshed.surveys.sky import Pixel, partitions

__all__ = ["Catalog", "unified"]

#: Exposures whose counts are added up at a time.
EXPOSURES = 2_000


class Catalog:
    """Which partitions a catalog has, and which exposures have sources in each.

    Parameters
    ----------
    folder : Path
        Where the records are.
    ledger : Ledger
        What became of the exposures.
    most : int
        The rows of a partition; see `skyshed.surveys.sky.partitions`.

    Attributes
    ----------
    counts : dict of Pixel to int
        The partitions in the order of the sky, and their rows.
    """

    def __init__(self, folder: Path, ledger: Ledger, most: int) -> None:
        self._folder, self._ledger = folder, ledger
        pixels, counts = self._counted()
        found = partitions(pixels, counts, most)
        self._starts = covering(found)
        sums = np.zeros(len(found), np.int64)
        np.add.at(sums, self._holder(pixels), counts)
        self.counts: dict[Pixel, int] = dict(zip(found, sums.tolist(), strict=True))
        self._exposures, self._of = self._shared()

    def _counted(self) -> tuple[Any, Any]:
        """Return the smallest partitions that have sources, and how many."""
        pixels, counts = np.empty(0, np.int64), np.empty(0, np.int64)
        waiting: list[Any] = []

        def added() -> tuple[Any, Any]:
            every = np.concatenate([pixels, *(each[0] for each in waiting)]).astype(np.int64)
            many = np.concatenate([counts, *(each[1] for each in waiting)])
            waiting.clear()
            summed, inverse = np.unique(every, return_inverse=True)
            return summed, np.bincount(inverse, many, summed.size).astype(np.int64)

        for entry in self._ledger.entries():
            if "record" in entry:
                waiting.append(entry["pixels"])
            if len(waiting) >= EXPOSURES:
                pixels, counts = added()
        return added()

    def _holder(self, pixels: Any) -> Any:
        """Return the number of the partition that each of the smallest pixels is in."""
        return np.searchsorted(self._starts, np.asarray(pixels, np.int64), side="right") - 1

    def _shared(self) -> tuple[Any, Any]:
        """Return exposures and the partitions that they have sources in, by partition."""
        exposures, of = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for entry in self._ledger.entries():
            if "record" in entry:
                held = np.unique(self._holder(entry["pixels"][0]))
                exposures.append(np.full(held.size, entry["exposure"]))
                of.append(held)
        every, partition = np.concatenate(exposures), np.concatenate(of)
        order = np.lexsort((every, partition))
        return every[order], partition[order]

    def parts(self) -> Iterator[tuple[Pixel, list[Any]]]:
        """Yield each partition, with the places of the records that have sources in it."""
        bounds = np.searchsorted(self._of, np.arange(len(self.counts) + 1))
        for number, pixel in enumerate(self.counts):
            entries = map(
                self._ledger.entry, self._exposures[bounds[number] : bounds[number + 1]].tolist()
            )
            yield pixel, [entry["record"] for entry in entries if entry is not None]

    def digest(self) -> str:
        """Return what tells the rows of the catalog, and how they are parted, from others."""
        digest = hashlib.sha256(json.dumps([*self.counts.items()]).encode())
        for entry in self._ledger.entries():
            digest.update(json.dumps([entry["exposure"], entry.get("record")]).encode())
        return digest.hexdigest()[:16]


def unified(folder: Path, ledger: Ledger) -> tuple[Any, dict[int, str]]:
    """Return the schema of the catalog, and what is wrong with exposures that do not fit.

    It has the columns of the first exposure in the list, then those that others have besides. Of a
    column all must have the same type and unit: those of the first exposure that has it.

    Returns
    -------
    schema : `pyarrow.Schema` or None
        `None` if there is no record.
    wrong : dict of int to str
        The exposures that have a column of another type or unit.
    """
    import pyarrow

    fields: dict[str, Any] = {}
    whose: dict[str, int] = {}
    verdicts: dict[str, str] = {}
    wrong: dict[int, str] = {}
    for entry in ledger.entries():
        if "record" not in entry:
            continue
        name = entry["record"][-1]
        if name not in verdicts:
            schema = load_schema(folder, name)
            verdicts[name] = _differs(schema, fields, whose)
            if not verdicts[name]:
                for each in schema:
                    fields.setdefault(each.name, each)
                    whose.setdefault(each.name, entry["exposure"])
        if verdicts[name]:
            wrong[entry["exposure"]] = verdicts[name]
    return (pyarrow.schema(list(fields.values())) if fields else None), wrong


def _differs(schema: Any, fields: dict[str, Any], whose: dict[str, int]) -> str:
    """Return which column of a schema is another than it was; nothing if there is none."""
    for each in schema:
        known = fields.get(each.name)
        if known is None:
            continue
        mine, theirs = (_spelled(field) for field in (each, known))
        if mine != theirs:
            return (
                f"its column {each.name!r} is {mine}, that of image_id {whose[each.name]} is "
                f"{theirs}: a catalog has one unit for each column; make a survey of each kind"
            )
    return ""


def _spelled(field: Any) -> str:
    """Return type and unit of a column for people."""
    unit = (field.metadata or {}).get(b"unit", b"").decode()
    return f"{field.type}{f' in {unit}' if unit else ' without a unit'}"

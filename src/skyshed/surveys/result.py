"""What a survey leaves: a catalog on disk, and what is known of it."""

import json
from pathlib import Path
from typing import Any

from skyshed.notebook import card, quietly
from skyshed.surveys.images_table import IMAGES

__all__ = ["SUMMARY", "Survey"]

#: The file of numbers and of what made the catalog.
SUMMARY = "survey.json"


class Survey:
    """A finished survey; what `skyshed.survey` returns.

    Parameters
    ----------
    folder : path
        The folder of the catalog.

    Attributes
    ----------
    folder : `~pathlib.Path`
        The catalog: ``hats.read_hats(folder)``, ``lsdb.open_catalog(folder)`` and, of its folder
        ``dataset``, ``pyarrow.dataset.dataset`` read it.
    n_exposures, n_images, n_failed, n_sources : int
        How many exposures were listed, how many images they have, how many of these failed, and
        how many sources were found.
    partition_rows : int
        The rows that a partition has at most, where the sky could be split so far.
    parameters : dict
        The parameters of the chain.
    record : dict of str to str
        Versions and date.

    Raises
    ------
    OSError
        If no survey left its catalog there.
    """

    def __init__(self, folder: Any) -> None:
        self.folder = Path(folder)
        path = self.folder / SUMMARY
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise OSError(f"{path} is damaged ({error}): make the survey anew") from error
        self.n_exposures: int = known["n_exposures"]
        self.n_images: int = known["n_images"]
        self.n_failed: int = known["n_failed"]
        self.n_sources: int = known["n_sources"]
        self.partition_rows: int = known["partition_rows"]
        self.parameters: dict[str, Any] = known["parameters"]
        self.record: dict[str, str] = known["record"]

    def __repr__(self) -> str:
        failed = f", {self.n_failed} failed" if self.n_failed else ""
        return (
            f"<Survey: {self.n_sources} source{'' if self.n_sources == 1 else 's'} in "
            f"{self.n_images} image{'' if self.n_images == 1 else 's'}{failed}>"
        )

    @quietly
    def _repr_html_(self) -> str:
        failed = f", {self.n_failed:,} failed" if self.n_failed else ""
        facts = [
            ("sources", f"{self.n_sources:,}"), ("images", f"{self.n_images:,}{failed}"),
            ("folder", self.folder),
        ]  # fmt: skip
        return card("Survey", facts)

    @property
    def images(self) -> Any:
        """One row per image, a `~astropy.table.QTable` that is masked where nothing is known.

        Where it is, its background, noise, depth, seeing, number of sources, time; and what was
        wrong, if it failed.
        """
        from astropy.table import MaskedColumn, QTable
        from pyarrow import parquet

        content = parquet.read_table(self.folder / IMAGES)
        table = QTable()
        for field in content.schema:
            values = content[field.name].to_pylist()
            about = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
            missing = [value is None for value in values]
            kind = field.type.to_pandas_dtype() if str(field.type) != "string" else str
            fill: Any = kind() if kind is not str else ""
            filled = [fill if value is None else value for value in values]
            column = MaskedColumn(filled, dtype=kind, mask=missing if any(missing) else False)
            column.unit = about.get("unit") or None
            column.description = about.get("description")
            table[field.name] = column if any(missing) else column.filled()
        return table

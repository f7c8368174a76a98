"""The schema of a Parquet catalog: what astropy makes of the columns, described for other readers.

Each field has its unit, description and UCD in its metadata. The file's have a VOTable without
data, as the IVOA's note "Parquet in the VO" has it (VOParquet 1.0), which TOPCAT and astropy read.
Names have no dots, which are something else to SQL, Nested-Pandas and HATS.
"""

from pathlib import Path
from typing import Any

from skyshed.output.column_facts import ColumnFacts, facts_in
from skyshed.output.formats import About
from skyshed.output.formats.votable import votable_header
from skyshed.output.parquet import METADATA
from skyshed.output.table_parts import PlainTable, from_plain

__all__ = ["field_name", "schema_of"]

#: Keys of VOParquet.
VERSION, CONTENT = b"IVOA.VOTable-Parquet.version", b"IVOA.VOTable-Parquet.content"
#: What keys of astropy's for the width of a column of texts begin with.
WIDTH = "table::len::"


def field_name(name: str) -> str:
    """Return what a column is called in the file.

    Examples
    --------
    >>> from skyshed.output.formats.parquet_schema import field_name
    >>> field_name("sky_centroid.ra")
    'sky_centroid_ra'
    """
    return name.replace(".", "_")


def schema_of(some: PlainTable, about: About, folder: Path) -> Any:
    """Return the schema, a `pyarrow.Schema`.

    Parameters
    ----------
    some : PlainTable
        A table with the columns.
    about : About
        What belongs to the catalog.
    folder : Path
        For a file of one row, by which it is seen.
    """
    import pyarrow
    from pyarrow import parquet

    model, table = folder / "model.parquet", from_plain(some[:1])
    table.meta = {"parameters": about.parameters.to_dict(), "record": dict(about.record)}
    table.write(model, format="parquet")
    schema = parquet.read_schema(model)
    facts = {each.name: each for each in facts_in(some.header)}
    names = {name: field_name(name) for name in some.columns}
    metadata = {
        **{_renamed(key, names): value for key, value in schema.metadata.items()},
        VERSION: b"1.0",
        CONTENT: votable_header(some, names),
    }
    text = metadata[METADATA].decode()
    for name, new in names.items():
        if new != name:  # names with dots are no words that stand elsewhere
            text = text.replace(f"name: {name}", f"name: {new}")
    metadata[METADATA] = text.encode()
    fields = [
        each.with_name(names[each.name]).with_metadata(_described(facts[each.name]))
        for each in schema
    ]
    return pyarrow.schema(fields, metadata)


def _renamed(key: bytes, names: dict[str, str]) -> bytes:
    """Return a key of astropy's that says the width of a column, by the name in the file."""
    text = key.decode()
    if not text.startswith(WIDTH):
        return key
    name = text.removeprefix(WIDTH)
    return f"{WIDTH}{names.get(name, name)}".encode()


def _described(facts: ColumnFacts) -> dict[str, str]:
    """Return the metadata of a field."""
    said = {"unit": facts.unit, "description": facts.description, "ucd": facts.ucd}
    return {key: value for key, value in said.items() if value}

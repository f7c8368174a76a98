"""The table of a survey's images: what each is like, and what became of it."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from skyshed.output.atomic import whole_file
from skyshed.surveys.listing import Listing

__all__ = ["COLUMNS", "IMAGES", "write_images"]

#: The file.
IMAGES = "images.parquet"
#: Rows that are put together before they are written.
ROWS = 20_000
#: The columns: their types in Arrow, units, and what they are. Fluxes are in the image's ``unit``.
COLUMNS = {
    "image_id": ("int64", "", "Row of the exposure in the list, from 0: that of its sources."),
    "image": ("string", "", "Path of the exposure, as it was given."),
    "hdu": ("int32", "", "HDU that the image was read from; null if it is in none."),
    "hdu_name": ("string", "", "Name of the HDU, NAME or NAME,VERSION; its number without one."),
    "state": ("string", "", "'done' or 'failed'."),
    "error": ("string", "", "What was wrong, if it failed."),
    "warnings": ("string", "", "What was warned of."),
    "attempts": ("int32", "", "How often the exposure was worked on in the last run."),
    "profile": ("string", "", "The product that it was taken for, or plain."),
    "n_sources": ("int64", "", "The number of sources."),
    "ny": ("int64", "pix", "Rows of the image."),
    "nx": ("int64", "pix", "Columns of the image."),
    "ra": ("float64", "deg", "Right ascension of the middle of the image, ICRS."),
    "dec": ("float64", "deg", "Declination of the middle of the image, ICRS."),
    "pixel_scale": ("float64", "arcsec", "Width of a pixel."),
    "unit": ("string", "", "Unit of the image; empty if it has none."),
    "background": ("float64", "", "Median of the background."),
    "background_rms": ("float64", "", "Median noise of the background."),
    "depth": ("float64", "", "Flux of npixels pixels at the detection threshold."),
    "limiting_flux": (
        "float64", "",
        "Flux of a point source of signal-to-noise ratio 5, if the noise is white.",
    ),
    "limiting_abmag": ("float64", "mag", "The same as an AB magnitude, where the file says how."),
    "zero_point_ab": ("float64", "mag", "AB magnitude of a flux of 1, where the file says it."),
    "seeing": ("float64", "pix", "FWHM of the stars."),
    "seeing_arcsec": ("float64", "arcsec", "The same on the sky."),
    "seconds": ("float64", "s", "The time that the image took, without writing."),
}  # fmt: skip


def write_images(path: Path, entries: Iterable[Mapping[str, Any]], listing: Listing) -> int:
    """Write the table; return its rows.

    Parameters
    ----------
    path : Path
        The file.
    entries : iterable of mapping
        Those of the ledger, by exposure.
    listing : Listing
        The exposures.
    """
    import pyarrow
    from pyarrow import parquet

    fields = [
        pyarrow.field(name, kind, metadata={"unit": unit, "description": about})
        for name, (kind, unit, about) in COLUMNS.items()
    ]
    kept = {name: pyarrow.array(list(values)) for name, values in listing.kept.items()}
    fields += [pyarrow.field(name, values.type) for name, values in kept.items()]
    schema, n = pyarrow.schema(fields), 0
    with (
        whole_file(path) as part,
        parquet.ParquetWriter(part, schema, compression="zstd") as writer,
    ):
        rows: list[dict[str, Any]] = []

        def write() -> None:
            columns = {name: [row.get(name) for row in rows] for name in schema.names}
            writer.write_table(pyarrow.table(columns, schema=schema))
            rows.clear()

        for entry in entries:
            rows += _rows(entry, listing)
            if len(rows) >= ROWS:
                n += len(rows)
                write()
        n += len(rows)
        write()
    return n


def _rows(entry: Mapping[str, Any], listing: Listing) -> list[dict[str, Any]]:
    """Return the rows of an exposure: one for each of its images."""
    number = entry["exposure"]
    common = {
        "image_id": number, "image": listing.images[number], "attempts": entry.get("attempts"),
        **{name: values[number] for name, values in listing.kept.items()},
    }  # fmt: skip
    return [{**each, **common, **_derived(each)} for each in entry["images"]]


def _derived(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what follows from what the ledger says of an image."""
    found: dict[str, Any] = {}
    seeing, scale = facts.get("seeing"), facts.get("pixel_scale")
    if seeing is not None and scale is not None:
        found["seeing_arcsec"] = seeing * scale
    flux, zero_point = facts.get("limiting_flux"), facts.get("zero_point_ab")
    if flux is not None and zero_point is not None and flux > 0:
        found["limiting_abmag"] = zero_point - 2.5 * math.log10(flux)
    return found

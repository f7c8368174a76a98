"""``skyshed columns``: what the catalog can have."""

import argparse

__all__ = ["EXAMPLES", "SUMMARY", "USAGE", "add_options", "listing", "run"]

SUMMARY = "List the columns of the catalog."
USAGE = "skyshed columns"
EXAMPLES = (("what a catalog can have, and what each is", "skyshed columns"),)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare no options."""


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    print(listing())
    return 0


def listing() -> str:
    """Return the columns as text: name, alias, unit, needs and UCD in columns, then what each is.

    Examples
    --------
    >>> from skyshed.cli.columns import listing
    >>> [line.split()[:4] for line in listing().splitlines() if line.startswith("segment_fluxerr ")]
    [['segment_fluxerr', 'segment_flux_err', 'data', 'error']]
    """
    import skyshed.catalog.measurements  # noqa: F401 - fills the registry
    from skyshed.catalog.registry import LABEL, public_columns, required
    from skyshed.chain.derived import listed_colors, listed_columns

    rows = [
        (each.name, each.alias, each.unit, needs, each.ucd, each.description)
        for each, needs in (
            (LABEL, ""),
            *((each, ",".join(required(each.name))) for each in public_columns()),
            *listed_columns(),
            *listed_colors(),
        )
    ]
    rows.sort()
    rows.insert(0, ("COLUMN", "PHOTUTILS 3", "UNIT", "NEEDS", "UCD", "WHAT IT IS"))
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    lines = [
        "  ".join(
            [*(text.ljust(width) for text, width in zip(row[:5], widths, strict=True)), row[5]]
        )
        for row in rows
    ]
    groups = (
        "--columns takes names of either kind; 'default' stands for the usual set, 'all' for all, "
        "'derived' for what\nthe run can add: names, radii and apertures, calibrated fluxes. "
        "SExtractor's names (NUMBER,\nX_IMAGE, MAG_AUTO, ...) are taken, too. Colors are in every "
        "table of bands that are matched."
    )
    return "\n".join([*lines, "", groups])

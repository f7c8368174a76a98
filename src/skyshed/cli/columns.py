"""``skyshed columns``: what the catalog can have."""

import argparse

__all__ = ["SUMMARY", "USAGE", "add_options", "listing", "run"]

SUMMARY = "List the columns of the catalog."
USAGE = "skyshed columns"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare no options."""


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    print(listing())
    return 0


def listing() -> str:
    """Return the columns as text: name, alias, unit and needs in columns, then what each is.

    Examples
    --------
    >>> from skyshed.cli.columns import listing
    >>> [line.split()[:4] for line in listing().splitlines() if line.startswith("segment_fluxerr")]
    [['segment_fluxerr', 'segment_flux_err', 'data', 'error']]
    """
    import skyshed.catalog.measurements  # noqa: F401 - fills the registry
    from skyshed.catalog.registry import public_columns, required

    rows = [("label", "", "", "", "Label of the source in the segmentation image.")]
    for each in public_columns():
        needs = ",".join(required(each.name))
        rows.append((each.name, each.alias, each.unit, needs, each.description))
    rows.sort()
    rows.insert(0, ("COLUMN", "PHOTUTILS 3", "UNIT", "NEEDS", "WHAT IT IS"))
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    lines = [
        "  ".join(
            [*(text.ljust(width) for text, width in zip(row[:4], widths, strict=True)), row[4]]
        )
        for row in rows
    ]
    groups = (
        "--columns takes names of either kind; 'default' stands for the usual set, 'all' for all."
    )
    return "\n".join([*lines, "", groups])

"""What ``skyshed extract`` leaves of an image: its results in a folder."""

import argparse
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = [
    "CARDS", "WORKSPACE", "first_card", "say_calibration", "say_product", "say_what_lacks",
    "spelled_card", "write_found", "zero_point_of_counts",
]  # fmt: skip

#: The folder in that of the results that a run over tiles works in until they are written. It goes
#: then, so that it has no name that a user would give to a folder of theirs.
WORKSPACE = ".workspace"

#: Options that take what a card says, and cards that often say it. Whether they do, and in which
#: system, the owner of a file of no known product has to know.
CARDS = {
    "--zero-point": ("MAGZERO", "MAGZP", "MAGZPT", "MAG_ZP", "ZEROPT", "PHOTZP", "ZP"),
    "--effective-gain": ("GAIN", "EGAIN", "CCDGAIN"),
}
#: Cards that have the exposure time in seconds.
EXPOSURES = ("EXPTIME", "EXPOSURE", "EXP_TIME")


def write_found(arguments: argparse.Namespace, found: Any, folder: Path) -> list[Path]:
    """Write what was found in an image, as the options say, and return the files."""
    from skyshed.output.atomic import traceless

    with traceless(folder):
        return list(
            found.write(
                folder,
                arguments.format,
                compress=arguments.compress,
                regions=arguments.regions,
                map_format=arguments.map_format,
                preview=not arguments.no_preview,
                report=arguments.report,
                maps=arguments.maps or (),
            )
        )


def say_product(record: Mapping[str, str]) -> None:
    """Print which product an image was, and what was taken of it."""
    if "profile" not in record:
        return
    from skyshed.images.said import PLAIN

    print(record["profile"])
    if record["profile"].startswith(f"{PLAIN}: "):
        return
    for key, text in record.items():
        if key.startswith("profile_"):
            print(f"  {key.removeprefix('profile_').replace('_', ' ')}: {text}")
    print("  --as plain takes nothing of this")


def say_calibration(record: Mapping[str, str]) -> None:
    """Print what a flux of 1 is as a flux density and AB magnitude, where that is known."""
    if "zero_point_ab" not in record:
        return
    one, zero_point = (float(record[name]) for name in ("microjansky_per_unit", "zero_point_ab"))
    print(
        f"a flux of 1 is {one:.5g} uJy, AB magnitude {zero_point:.3f} "
        f"({record['zero_point_source']})"
    )


def say_what_lacks(request: Any) -> None:
    """Print that there are no magnitudes, and how to have them, where no zero point is known."""
    lacking = [name for name in request.measured if request.zero_point_of(name) is None]
    if not lacking or not request.parameters.calibrate:
        return
    bands = [name for name in lacking if name in request.of_band]
    of = f" in {', '.join(bands)}" if bands else ""
    text = (
        f"no magnitudes{of}, as no zero point is known: --zero-point takes a number, or a card of "
        "the header"
    )
    cards = request.exposures[lacking[0]].image.header
    card = first_card(cards, CARDS["--zero-point"])
    if card is not None:
        text += f"; {spelled_card(cards, *card)} may be one"
        if of_counts := zero_point_of_counts(cards, card[1]):
            text += f", or {of_counts}"
    print(text)


def first_card(cards: Any, names: Iterable[str]) -> tuple[str, float] | None:
    """Return the name and the value of the first of some cards that a header has a number in."""
    for name in names if cards is not None else ():
        value = cards.value(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return name, value
    return None


def spelled_card(cards: Any, name: str, value: float) -> str:
    """Return a card as messages show it, with what it says of itself."""
    comment = cards.comment(name)
    return f"{name} = {value}" + (f" ({comment})" if comment else "")


def zero_point_of_counts(cards: Any, of_a_second: float) -> str:
    """Say what the zero point of counts is, if a card has that of one count in a second.

    Headers rarely say which of them it is; it is 2.5 log10 of the exposure time between them.
    """
    exposure = first_card(cards, EXPOSURES)
    if exposure is None or not 0 < exposure[1] < math.inf or exposure[1] == 1:
        return ""
    name, seconds = exposure
    return (
        f"{of_a_second + 2.5 * math.log10(seconds):.3f} if that is of one second, and pixels are "
        f"counts of {name} = {seconds}"
    )

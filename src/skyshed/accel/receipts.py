"""What ran where: counted for each name that stands in photutils' or astropy's place."""

import json
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from skyshed.optional import package_versions

__all__ = ["RECEIPT", "Calls", "Receipt"]

#: Packages whose versions decide what ran.
PACKAGES = ("skyshed", "photutils", "astropy", "numpy")
#: Characters of a reason that the text shows; `to_dict` has all.
SHOWN = 200


@dataclass
class Calls:
    """The calls of one name.

    Attributes
    ----------
    skyshed, photutils : int
        How many skyshed answered, and how many fell back to the original of photutils or astropy.
    errors : int
        How many ended in an error of the original, which skyshed had refused as well: the caller's.
    seconds, fallback_seconds : float
        Wall time in skyshed, and in the original. That of an object's columns counts for its class.
    devices : dict of str to int
        Calls of skyshed by device.
    reasons : dict of str to int
        Why calls fell back, and how many.
    """

    skyshed: int = 0
    photutils: int = 0
    errors: int = 0
    seconds: float = 0.0
    fallback_seconds: float = 0.0
    devices: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)


class Receipt:
    """Counts of calls; threads may write to it.

    Attributes
    ----------
    calls : dict of str to `Calls`
        By name.
    derived : dict of str to str
        Classes that the program derived from replaced ones, and the names of these. They derive
        from photutils' classes, and run on photutils.

    Examples
    --------
    >>> from skyshed.accel.receipts import Receipt
    >>> receipt = Receipt()
    >>> receipt.ran("convolve", "cpu", 0.5)
    >>> receipt.fell_back("convolve", "a 1-D array", 0.25)
    >>> print(receipt)  # doctest: +ELLIPSIS
    skyshed.accel, skyshed ...
    name      skyshed  fell back  errors  device  seconds  of these fallen back
    convolve        1          1       0  cpu       0.750                 0.250
    fell back:
      convolve, 1 call: a 1-D array
    """

    def __init__(self) -> None:
        self.calls: dict[str, Calls] = {}
        self.derived: dict[str, str] = {}
        self._lock = threading.Lock()

    def ran(self, name: str, device: str, seconds: float) -> None:
        """Note a call that skyshed answered."""
        with self._lock:
            calls = self.calls.setdefault(name, Calls())
            calls.skyshed += 1
            calls.seconds += seconds
            calls.devices[device] = calls.devices.get(device, 0) + 1

    def went_on(self, name: str, seconds: float) -> None:
        """Note that an object of skyshed, which was counted when it was made, measured on."""
        with self._lock:
            self.calls.setdefault(name, Calls()).seconds += seconds

    def fell_back(self, name: str, reason: str, seconds: float) -> None:
        """Note a call that the original answered, and why."""
        with self._lock:
            calls = self.calls.setdefault(name, Calls())
            calls.photutils += 1
            calls.fallback_seconds += seconds
            calls.reasons[reason] = calls.reasons.get(reason, 0) + 1

    def failed(self, name: str) -> None:
        """Note a call that neither answered."""
        with self._lock:
            self.calls.setdefault(name, Calls()).errors += 1

    def was_derived(self, derived: str, name: str) -> None:
        """Note a class that a program derived from a replaced one."""
        with self._lock:
            self.derived[derived] = name

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as numbers, texts and dictionaries."""
        with self._lock:
            return {
                "versions": package_versions(PACKAGES),
                "calls": {name: asdict(calls) for name, calls in sorted(self.calls.items())},
                "derived": dict(self.derived),
            }

    def write(self, path: Any) -> None:
        """Write `to_dict` to a JSON file."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.to_dict(), file, indent=2)
            file.write("\n")

    def __str__(self) -> str:
        facts = self.to_dict()
        versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
        lines = [f"skyshed.accel, {versions}"]
        if facts["versions"].get("photutils", "").startswith("3.0."):
            lines.append("(where releases of photutils differ, values are those of 3.1)")
        if not facts["calls"]:
            lines.append("nothing of photutils.segmentation, photutils.background or")
            lines.append("astropy.convolution.convolve was called")
        else:
            lines += _table(facts["calls"])
        reasons = [
            f"  {name}, {count} call{'s' if count > 1 else ''}: {reason[:SHOWN]}"
            for name, calls in facts["calls"].items()
            for reason, count in calls["reasons"].items()
        ]
        if reasons:
            lines += ["fell back:", *reasons]
        if facts["derived"]:
            lines.append("derived from photutils' own classes, which they run on:")
            lines += [f"  {derived} from {name}" for derived, name in facts["derived"].items()]
        return "\n".join(lines)


#: One for the process, as its modules are.
RECEIPT = Receipt()


def _table(calls: dict[str, dict[str, Any]]) -> list[str]:
    """Return the lines of a table: words to the left, numbers to the right."""
    head = ("name", "skyshed", "fell back", "errors", "device", "seconds", "of these fallen back")
    rows: list[tuple[str, ...]] = [head]
    for name, each in calls.items():
        seconds = each["seconds"] + each["fallback_seconds"]
        counts = (str(each[kind]) for kind in ("skyshed", "photutils", "errors"))
        devices = ", ".join(sorted(each["devices"])) or "-"
        rows.append((name, *counts, devices, f"{seconds:.3f}", f"{each['fallback_seconds']:.3f}"))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    words = (0, 4)
    return [
        "  ".join(
            cell.ljust(width) if k in words else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]

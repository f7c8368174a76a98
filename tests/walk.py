"""The way through the house: which packages a call enters, and where it climbs.

    python -m tests.walk

traces one run of ``extract(file)`` from its first call to the first kernel, and the measurement of
one tile to its end, and prints the packages entered on the way to the kernels, and the calls that
go up the floors of `tests.test_layers`.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from astropy.io import fits

from tests.test_layers import FLOOR, ROOT

#: Modules that every floor uses: checks, names, messages. Calls of these are no part of the way.
EVERYWHERE = {
    "_typing", "arguments", "cached", "devices", "exceptions", "flags", "messages", "names",
    "namespace", "optional", "peers", "sources", "frame", "__init__",
}  # fmt: skip


@dataclass
class Walk:
    """A trace of calls between packages.

    Attributes
    ----------
    packages : list of str
        Those entered, in the order of the first call.
    climbs : list of str
        The calls that went up, ``caller -> callee``.
    to_the_end : bool
        Whether the trace goes on after the first kernel.
    ended : bool
        Whether it has come to its end.
    """

    packages: list[str] = field(default_factory=list)
    climbs: list[str] = field(default_factory=list)
    to_the_end: bool = False
    ended: bool = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Take note of a call; what `sys.setprofile` calls."""
        if event != "call" or self.ended:
            return
        here, caller = _room(frame), None if frame.f_back is None else _room(frame.f_back)
        if here is None or here in EVERYWHERE or frame.f_code.co_name == "<module>":
            return
        if here == "kernels":
            self.ended |= not self.to_the_end and Path(frame.f_code.co_filename).stem != "threads"
            return
        if here not in self.packages:
            self.packages.append(here)
        known = caller is not None and caller not in EVERYWHERE
        if known and FLOOR[here] < FLOOR[caller]:
            self.climbs.append(f"{_name(frame.f_back)} -> {_name(frame)}")


def _room(frame: FrameType) -> str | None:
    """Return the package of skyshed that a frame's code is in, `None` for other code."""
    path = Path(frame.f_code.co_filename)
    if ROOT not in path.parents:
        return None
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _name(frame: FrameType | None) -> str:
    assert frame is not None
    path = Path(frame.f_code.co_filename).relative_to(ROOT).with_suffix("")
    return f"{'.'.join(path.parts)}.{frame.f_code.co_qualname}"


def walk(call: Callable[[], Any], *, to_the_end: bool = False) -> Walk:
    """Trace a call up to its first kernel; run it once before, so that nothing is imported."""
    call()
    trace = Walk(to_the_end=to_the_end)
    sys.setprofile(trace)
    try:
        call()
    finally:
        sys.setprofile(None)
    return trace


def walk_of_extract() -> Walk:
    """Trace ``extract(file)``."""
    from skyshed import extract

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.fits"
        rng = np.random.default_rng(1)
        image = rng.normal(10, 1, (128, 128)).astype(np.float32)
        image[40:44, 50:54] += 50
        fits.writeto(path, image)
        return walk(lambda: extract(path, nsigma=5))


def walk_of_a_tile() -> Walk:
    """Trace the measurement of one tile of a finished run, to its end."""
    from skyshed.mosaic.measure import measure
    from tests.tiled import survey, tiled

    found = tiled(survey().data, mask=survey().mask)
    return walk(lambda: measure(found._run.job, (1, 1)), to_the_end=True)


def main() -> None:
    """Print both ways."""
    for title, trace in (("extract(file)", walk_of_extract()), ("a tile", walk_of_a_tile())):
        print(f"{title}: {len(trace.packages)} packages, {len(trace.climbs)} climbs")
        print("  " + " > ".join(trace.packages))
        for climb in trace.climbs:
            print(f"  up: {climb}")


if __name__ == "__main__":
    main()

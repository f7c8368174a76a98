"""100,000 exposures whose extraction is left out: memory of all that keeps a survey in order.

    python -m benchmarks.survey_window --exposures 100000

Scheduler, client, ledger and one worker are in this process, so that its memory is that of all of
them; a task says at once that its exposures are done.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from skyshed import Parameters
from skyshed.chain.progress import TileProgress
from skyshed.surveys import run
from skyshed.surveys.flow import Flow
from skyshed.surveys.ledger import Ledger
from skyshed.surveys.listing import Listing
from tests.surveys.fields import a_cluster

#: What an image's entry says, as long as a real one.
FACTS = {
    "hdu": 0, "hdu_name": "0", "seconds": 0.1, "warnings": "", "state": "done", "ny": 64, "nx": 64,
    "ra": 150.12345678, "dec": 2.12345678, "pixel_scale": 0.36, "unit": "", "n_sources": 8,
    "background": 100.12345678, "background_rms": 3.12345678, "depth": 23.45678901,
    "seeing": 3.56789012, "limiting_flux": 51.2345678, "zero_point_ab": None, "profile": "plain",
}  # fmt: skip


def nothing(job: Any, exposures: Sequence[Any]) -> list[dict[str, Any]]:
    """Say that exposures are done."""
    return [
        {
            "exposure": number, "state": "done", "images": [{"name": image, **FACTS}],
            "record": ["worker", 3000 * number, 3000, 123456789, "0123456789abcdef"],
            "pixels": [[number // 3, number // 3 + 1], [5, 3]],
        }
        for number, image, _ in exposures
    ]  # fmt: skip


def main() -> None:
    """Run, and print memory after each tenth."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--exposures", type=int, default=2000)
    n = parser.parse_args().exposures
    run.extract_some = nothing
    process, folder, seen = psutil.Process(), Path(tempfile.mkdtemp()), []
    names = [f"/survey/night/{k // 1000:03d}/exposure-{k:06d}.fits" for k in range(n)]
    work = folder / "work"
    survey = run.Run(
        folder / "catalog", work, Listing(names), Parameters(), None, None, 1, 8, 500_000
    )  # fmt: skip
    work.mkdir()
    begun = time.perf_counter()
    with a_cluster() as client, Ledger(work / "ledger", n) as ledger:
        real = ledger.add

        def add(entry: Any) -> None:
            real(entry)
            if ledger.n_done % max(n // 10, 1) == 0:
                seen.append((ledger.n_done, round(process.memory_info().rss / 1e6)))

        ledger.add = add  # type: ignore[method-assign]
        with TileProgress(n, False) as begin:
            survey._extract(ledger, lambda: Flow(client), begin)  # type: ignore[arg-type]
        print(f"{time.perf_counter() - begun:.0f} s; entries, MB:", *seen)
        begun = time.perf_counter()
        catalog = run.Catalog(work, ledger, 500_000)
        took, size = time.perf_counter() - begun, process.memory_info().rss / 1e6
        print(f"{len(catalog.counts)} partitions in {took:.0f} s, {size:.0f} MB")
    print(f"{(work / 'ledger').stat().st_size / n:.0f} bytes an exposure in the ledger")
    begun = time.perf_counter()
    with Ledger(work / "ledger", n) as ledger:
        print(f"read again in {time.perf_counter() - begun:.1f} s: {len(ledger.left())} left")


if __name__ == "__main__":
    main()

"""One line that says what is at work: which stage, or how many tiles are done."""

from collections.abc import Callable
from typing import Any

__all__ = ["Progress", "TileProgress"]


class Progress:
    """A progress bar over named stages, on standard error.

    Parameters
    ----------
    n_stages : int
        How many stages there will be.
    show : bool or None
        Whether to draw; `None` draws on a terminal only.

    Examples
    --------
    >>> from skyshed.chain.progress import Progress
    >>> with Progress(2, show=False) as begin:
    ...     begin("detection")
    ...     begin("measurement")
    """

    def __init__(self, n_stages: int, show: bool | None) -> None:
        from tqdm import tqdm

        disable = None if show is None else not show
        self._bar = tqdm(total=n_stages, disable=disable, leave=False, unit="stage")
        self._running = False

    def __call__(self, stage: str) -> None:
        """Say that ``stage`` begins, and so that the one before is done."""
        self._bar.update(int(self._running))
        self._bar.set_description(stage)
        self._running = True

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.close()


class TileProgress:
    """A progress bar over the tiles of all phases, with their rate and the time left.

    Parameters
    ----------
    n_tiles : int
        How many tiles all phases have together.
    show : bool or None
        Whether to draw; `None` draws on a terminal only.

    Examples
    --------
    >>> from skyshed.chain.progress import TileProgress
    >>> with TileProgress(2 * 10, show=False) as begin:
    ...     finished = begin("detect", skipped=9)
    ...     finished()
    """

    def __init__(self, n_tiles: int, show: bool | None) -> None:
        from tqdm import tqdm

        disable = None if show is None else not show
        self._bar = tqdm(total=n_tiles, disable=disable, leave=False, unit="tile")

    def __call__(self, phase: str, skipped: int) -> Callable[[], None]:
        """Say that a phase begins, of which some tiles were done; return what says one more is."""
        if not self._bar.disable:
            # What an earlier run did says nothing about the rate of this one.
            self._bar.initial += skipped
        self._bar.update(skipped)
        self._bar.set_description(phase)
        return self._finished

    def _finished(self) -> None:
        self._bar.update(1)

    def __enter__(self) -> "TileProgress":
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.close()

"""What is at work: a bar on a terminal, and lines of the log, which a batch job shows."""

import logging
import sys
from collections.abc import Callable
from time import monotonic
from typing import Any

from skyshed.log import PROGRESS

__all__ = ["Progress", "TileProgress"]


#: Seconds after which it is worth a line in a log that a stage of an image at once begins.
LONG = 10
#: Tiles of a phase are told of after each of so many equal shares.
SHARES = 10


class _NoBar:
    """The bar that is not drawn, for which tqdm need not be imported."""

    disable = True

    def update(self, n: int) -> None:
        """Draw nothing."""

    def set_description(self, text: str) -> None:
        """Draw nothing."""

    def close(self) -> None:
        """Leave nothing."""


def _bar(total: int, unit: str, show: bool | None) -> Any:
    """Return a bar; `None` for ``show`` draws on a terminal and in a notebook only."""
    notebook = "ipykernel" in sys.modules
    if show is None:
        show = notebook or (sys.stderr is not None and sys.stderr.isatty())
    if not show:
        return _NoBar()
    return _tqdm(notebook)(total=total, leave=False, unit=unit)


def _tqdm(notebook: bool) -> Any:
    """Return tqdm: a widget in a notebook that can show one, else a line of text."""
    if not notebook:  # tqdm.auto takes longer to import, and would choose the same
        from tqdm import tqdm

        return tqdm
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without ipywidgets it says so, and writes text
        from tqdm.auto import tqdm

    return tqdm


class Progress:
    """A progress bar over named stages, on standard error.

    Parameters
    ----------
    n_stages : int
        How many stages there will be.
    show : bool or None
        Whether to draw; `None` draws on a terminal and in a notebook only.

    Examples
    --------
    >>> from skyshed.chain.progress import Progress
    >>> with Progress(2, show=False) as begin:
    ...     begin("detection")
    ...     begin("measurement")
    """

    def __init__(self, n_stages: int, show: bool | None) -> None:
        self._bar = _bar(n_stages, "stage", show)
        self._running = False
        self._begun = monotonic()

    def __call__(self, stage: str) -> None:
        """Say that ``stage`` begins, and so that the one before is done."""
        elapsed = monotonic() - self._begun
        PROGRESS.log(logging.INFO if elapsed > LONG else logging.DEBUG, "%s", stage)
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
        Whether to draw; `None` draws on a terminal and in a notebook only.

    Examples
    --------
    >>> from skyshed.chain.progress import TileProgress
    >>> with TileProgress(2 * 10, show=False) as begin:
    ...     finished = begin("detect", skipped=9)
    ...     finished()
    """

    def __init__(self, n_tiles: int, show: bool | None) -> None:
        self._bar = _bar(n_tiles, "tile", show)
        self._phase, self._done, self._of = "", 0, 0

    def __call__(self, phase: str, skipped: int, of: int = 0) -> Callable[[], None]:
        """Say that a phase begins, of which some tiles were done; return what says one more is.

        ``of`` is how many tiles the phase has; its shares are told of if it is given.
        """
        self._phase, self._done, self._of = phase, skipped, of
        was = f", {skipped} done before" if skipped else ""
        PROGRESS.info(
            "%s: %s%s", phase, f"{of} tile{'' if of == 1 else 's'}" if of else "begun", was
        )
        if not self._bar.disable:
            # What an earlier run did says nothing about the rate of this one.
            self._bar.initial += skipped
        self._bar.update(skipped)
        self._bar.set_description(phase)
        return self._finished

    def _finished(self) -> None:
        self._bar.update(1)
        self._done += 1
        before, now = (SHARES * done // max(self._of, 1) for done in (self._done - 1, self._done))
        if self._of >= SHARES and now > before:
            PROGRESS.info("%s: %d %%", self._phase, 100 * self._done // self._of)

    def __enter__(self) -> "TileProgress":
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.close()

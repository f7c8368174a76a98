"""The next image is opened and read while one is worked on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any

from skyshed.chain.request import Request
from skyshed.images.arrays import ArraySource
from skyshed.images.made_of import MadeOfAnother
from skyshed.images.region import RegionSource
from skyshed.images.source import ImageSource
from skyshed.images.window import Window

__all__ = ["Ahead", "bytes_to_read"]


@dataclass(eq=False)
class ReadSource(MadeOfAnother):
    """An image whose pixels have been read, and are handed out once.

    After that they are read as ever: they must not stay in memory for as long as the result does.

    Attributes
    ----------
    source : ImageSource
        The image.
    pixels : array or None
        All its pixels, until they are asked for.
    """

    source: ImageSource
    pixels: Any

    @property
    def other(self) -> ImageSource:
        """The image."""
        return self.source

    def read(self, window: Window) -> Any:
        """Return the pixels of a window; see `ImageSource.read`."""
        if self.pixels is not None and window == self.source.everything:
            pixels, self.pixels = self.pixels, None
            return pixels
        return self.source.read(window)

    def read_marked(self, window: Window, device: str | None) -> tuple[Any, Any]:
        """Return the pixels, and which are not finite; see `ImageSource.read_marked`."""
        if self.pixels is not None and window == self.source.everything:
            return self.read(window), None
        return self.source.read_marked(window, device)

    def as_integers(self) -> ImageSource:
        """Return the image read as the integers that are stored; see `ImageSource.as_integers`."""
        return self.source.as_integers()

    def as_bits(self) -> ImageSource:
        """Return the image read as bits; see `ImageSource.as_bits`."""
        return self.source.as_bits()

    def as_mask(self) -> ImageSource:
        """Return the image read as a mask; see `ImageSource.as_mask`."""
        return self.source.as_mask()


class Ahead:
    """One image that is opened, and read if that fits, in a thread of its own.

    Parameters
    ----------
    open : callable
        Returns the request; what it raises is raised by `request`.
    room : int
        The bytes that its pixels may take.

    Attributes
    ----------
    thread : `~threading.Thread`
        The thread, which must be started.
    heard : list
        For what the caller hears of the thread.
    """

    def __init__(self, open: Callable[[], Request], room: int) -> None:
        self._open, self._room = open, room
        self._request: Request | None = None
        self._read: Request | None = None
        self._error: Exception | None = None
        self.heard: list[Any] = []
        # An interrupted process does not wait for a disk that hangs.
        self.thread = Thread(target=self._work, name="skyshed-ahead", daemon=True)

    def _work(self) -> None:
        try:
            self._request = self._open()
        except Exception as error:
            self._error = error
            return
        try:
            if 0 < bytes_to_read(self._request) <= self._room:
                self._read = _read(self._request)
        except Exception:  # the read is made again at the image's turn, and says what is wrong
            self._read = None

    def request(self, *, read: bool = False) -> Request:
        """Return the request; if ``read``, with the pixels that could be read.

        Raises
        ------
        Exception
            If the image could not be opened.
        """
        self.thread.join()
        if self._error is not None:
            raise self._error
        assert self._request is not None
        return self._read if read and self._read is not None else self._request


def bytes_to_read(request: Request) -> int:
    """Return the bytes of the pixels of a request that are not in memory."""
    sources = [each for each in request.sources().values() if not _in_memory(each)]
    return sum(each.shape[0] * each.shape[1] * each.dtype.itemsize for each in sources)


def _in_memory(source: ImageSource) -> bool:
    """Whether the pixels of an image are an array, which is read when it is used."""
    whole = source.whole if isinstance(source, RegionSource) else source
    return isinstance(whole, ArraySource)


def _read(request: Request) -> Request:
    """Return a request with all pixels of files read."""

    def read(source: Any) -> Any:
        if source is None or _in_memory(source):
            return source
        return ReadSource(source, source.read(source.everything))

    exposures = {
        name: replace(
            exposure,
            image=read(exposure.image),
            own_mask=read(exposure.own_mask),
            companions={each: read(source) for each, source in exposure.companions.items()},
        )
        for name, exposure in request.exposures.items()
    }
    known = request.known
    if known is not None:
        known = replace(known, source=read(known.source), mask=read(known.mask))
    return replace(request, exposures=exposures, known=known)

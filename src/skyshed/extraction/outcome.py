"""What became of one of several images: its sources, or why it has none."""

from dataclasses import dataclass
from typing import Any

from skyshed.extraction.result import Extraction
from skyshed.images.headers import split_path
from skyshed.images.said import PLAIN
from skyshed.messages import one_line
from skyshed.notebook import card, quietly

__all__ = ["Outcome", "with_name"]


@dataclass(frozen=True, eq=False, repr=False)
class Outcome:
    """What became of one of the images of `skyshed.extract_each`.

    Either `extraction` or `error` is `None`.

    Attributes
    ----------
    image : image
        The image, as it was given.
    name : str
        What messages and reports call it: its path, or its place in the list, ``images[3]``.
    hdu : int or None
        The number of the HDU that it was read from; `None` if it is no FITS file, or could not be
        opened.
    seconds : float
        How long it took, with waiting for its pixels where these were read ahead.
    extraction : `~skyshed.extraction.Extraction` or None
        What was found.
    error : Exception or None
        Why nothing could be found, as `skyshed.extract` would have raised it.
    hdu_name : str
        The name of its HDU, with the version where that is not 1, or several have the name; the
        number if it has no name of its own; empty if it is no FITS file, or could not be opened.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import extract_each
    >>> image = np.random.default_rng(1).normal(10, 1, (128, 128))
    >>> image[30:34, 60:64] += 50
    >>> good, bad = extract_each([image, "absent.fits"], nsigma=5)
    >>> good.n_sources, good.error
    (1, None)
    >>> bad.name, bad.error
    ('absent.fits', FileNotFoundError('absent.fits: there is no such file'))
    """

    image: Any
    name: str
    hdu: int | None
    seconds: float
    extraction: Extraction | None = None
    error: Exception | None = None
    hdu_name: str = ""

    def __repr__(self) -> str:
        if self.error is not None:
            what = f"{type(self.error).__name__}: {one_line(self.error)}"
        else:
            what = f"{self.n_sources} source{'' if self.n_sources == 1 else 's'}"
        return f"<Outcome of {self.name}: {what}>"

    @quietly
    def _repr_html_(self) -> str | None:
        if self.extraction is not None:
            return self.extraction._repr_html_()
        return card(self.name, [(type(self.error).__name__, one_line(str(self.error)))])

    @property
    def n_sources(self) -> int:
        """The number of sources that were found; 0 if the image failed."""
        return 0 if self.extraction is None else self.extraction.segmentation.nlabels

    @property
    def profile(self) -> str:
        """Which product the image was taken for; ``"plain"`` for none, empty if it failed."""
        if self.extraction is None:
            return ""
        profile: str = self.extraction.record.get("profile", PLAIN)
        return profile.partition(":")[0]


def with_name(name: str, message: str) -> str:
    """Return a message with the name of the image that it is about before it, if it has not.

    Examples
    --------
    >>> from skyshed.extraction.outcome import with_name
    >>> with_name("a.fits[SCI]", "a.fits: there is no such file")
    'a.fits: there is no such file'
    >>> with_name("a.fits[SCI]", "No sources were found")
    'a.fits[SCI]: No sources were found'
    """
    file, _ = split_path(name)
    named = message.startswith(tuple(f"{file}{after}" for after in ":[ "))
    return message if named else f"{name}: {message}"

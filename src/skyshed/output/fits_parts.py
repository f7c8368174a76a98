"""FITS files whose data are written piece by piece."""

import io
from dataclasses import dataclass
from typing import Any

from astropy.io import fits

__all__ = ["BLOCK", "Around", "padding"]

#: Bytes of a block of FITS.
BLOCK = 2880


@dataclass(frozen=True)
class Around:
    """What a FITS file has before and after the data of one of its HDUs.

    It is seen from a small file, which astropy made of the same kind of data, so that headers are
    astropy's.

    Attributes
    ----------
    before, after : bytes
        All up to the end of the HDU's header, and all from the header of the next one on.
    """

    before: bytes
    after: bytes

    @classmethod
    def of(cls, content: bytes, hdu: int | str, **cards: Any) -> "Around":
        """Return what is around the data of an HDU, with cards of its header set.

        Parameters
        ----------
        content : bytes
            The small file.
        hdu : int or str
            The HDU.
        **cards : int or str
            Cards whose values are others in the file to be written.

        Examples
        --------
        >>> import io
        >>> import numpy as np
        >>> from astropy.io import fits
        >>> from skyshed.output.fits_parts import Around
        >>> small = io.BytesIO()
        >>> fits.PrimaryHDU(np.zeros((1, 4))).writeto(small)
        >>> around = Around.of(small.getvalue(), 0, NAXIS2=1000)
        >>> fits.Header.fromstring(around.before)["NAXIS2"]
        1000
        """
        with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
            where, header = hdus[hdu].fileinfo(), hdus[hdu].header
        for name, value in cards.items():
            header[name] = value
        before = content[: where["hdrLoc"]] + header.tostring().encode("ascii")
        return cls(before, content[where["datLoc"] + where["datSpan"] :])


def padding(size: int) -> bytes:
    """Return the zeros that fill the last block of ``size`` bytes of data.

    Examples
    --------
    >>> from skyshed.output.fits_parts import padding
    >>> len(padding(2000)), len(padding(5760))
    (880, 0)
    """
    return bytes(-size % BLOCK)

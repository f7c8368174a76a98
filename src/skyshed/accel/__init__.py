"""skyshed in the place of photutils, without a change of code.

    python -m skyshed.accel script.py ARG...
    python -m skyshed.accel -m module ARG...
    %load_ext skyshed.accel

or, at the top of a program, ``skyshed.accel.install()``: `photutils.segmentation`,
`photutils.background` and `astropy.convolution.convolve` then run on skyshed, under the names and
with the signatures of the installed photutils (extra ``accel``). What skyshed can't do is done by
photutils. `receipt` says what ran where, how long it took, and why it fell back.
"""

from typing import Any

from skyshed.accel.hook import Hook
from skyshed.accel.receipts import RECEIPT, Receipt

__all__ = ["install", "load_ipython_extension", "receipt", "uninstall", "unload_ipython_extension"]

#: One for the process, as its modules are.
_HOOK = Hook()


def install() -> None:
    """Put skyshed in the place of photutils, in all modules of this process.

    Modules that were imported before get the new names where they hold photutils' as globals: by
    ``from photutils.segmentation import detect_sources``, say. Nothing is imported now: packages
    are replaced when they are. Installing twice is installing once.

    Raises
    ------
    ImportError
        If photutils is not installed, or older than 3.0.

    Examples
    --------
    >>> import numpy as np
    >>> import skyshed.accel
    >>> skyshed.accel.install()
    >>> from photutils.segmentation import detect_sources
    >>> type(detect_sources(np.ones((9, 9)), 0.5, 5)).__module__
    'skyshed.segmentation.image'
    >>> skyshed.accel.receipt().calls["detect_sources"].skyshed
    1
    >>> skyshed.accel.uninstall()
    >>> type(detect_sources(np.ones((9, 9)), 0.5, 5)).__module__
    'photutils.segmentation.core'
    """
    _HOOK.install()


def uninstall() -> None:
    """Give all modules photutils' own names back; the receipt stays. Objects made so far work on.

    Examples
    --------
    >>> import skyshed.accel
    >>> skyshed.accel.uninstall()  # also where nothing was installed
    """
    _HOOK.uninstall()


def receipt() -> Receipt:
    """Return what ran where since the first `install` of this process.

    Returns
    -------
    receipt : `~skyshed.accel.receipts.Receipt`
        It goes on counting. ``print`` shows it as text, `to_dict` gives it as plain numbers.

    Examples
    --------
    >>> import skyshed.accel
    >>> sorted(skyshed.accel.receipt().to_dict())
    ['calls', 'derived', 'versions']
    """
    return RECEIPT


def load_ipython_extension(ipython: Any) -> None:
    """Install for ``%load_ext skyshed.accel``; names in the notebook are replaced, too."""
    _HOOK.install(ipython.user_ns)


def unload_ipython_extension(ipython: Any) -> None:
    """Uninstall for ``%unload_ext skyshed.accel``."""
    _HOOK.uninstall(ipython.user_ns)

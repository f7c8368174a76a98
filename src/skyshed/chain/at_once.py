"""A run on whole images: on one image, or on several bands, which only such a run imports."""

from collections.abc import Callable
from typing import Any

from skyshed.chain.request import Request
from skyshed.chain.whole import run_whole

__all__ = ["run_at_once"]


def run_at_once(request: Request, begin: Callable[[str], None]) -> Any:
    """Do what a request asks for, on whole images; see `run_whole` and `run_bands`."""
    if request.combination is None:
        return run_whole(request, begin)
    from skyshed.chain.bands import run_bands

    return run_bands(request, begin)

"""From images to their catalogs: `extract` and `extract_each`, what they plan and return.

Names are loaded when they are first used: a run on one image does not import the loop over many,
nor what several bands take, which are in `bands` and `bands_result`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyshed.extraction.each import extract_each
    from skyshed.extraction.entry import extract
    from skyshed.extraction.outcome import Outcome
    from skyshed.extraction.result import Extraction
else:

    def __getattr__(name: str) -> Any:
        """Load a name from the module that it lives in."""
        from importlib import import_module

        if name in _PLACES:
            return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_PLACES = {
    "Extraction": "result",
    "Outcome": "outcome",
    "extract": "entry",
    "extract_each": "each",
}

__all__ = [
    "Extraction",
    "Outcome",
    "extract",
    "extract_each",
]

"""From images to their catalogs: `extract` and `extract_each`, what they plan and return.

Several bands are in `bands` and `bands_result`, which a run on one image does not import.
"""

from skyshed.extraction.each import extract_each
from skyshed.extraction.entry import extract
from skyshed.extraction.outcome import Outcome
from skyshed.extraction.result import Extraction

__all__ = [
    "Extraction",
    "Outcome",
    "extract",
    "extract_each",
]

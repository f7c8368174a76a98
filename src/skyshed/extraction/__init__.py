"""From images to their catalogs: `extract` and `extract_each`, what they plan and return."""

from skyshed.extraction.bands import extract_bands
from skyshed.extraction.bands_result import Band, BandsExtraction
from skyshed.extraction.each import extract_each
from skyshed.extraction.entry import extract
from skyshed.extraction.outcome import Outcome
from skyshed.extraction.result import Extraction

__all__ = [
    "Band",
    "BandsExtraction",
    "Extraction",
    "Outcome",
    "extract",
    "extract_bands",
    "extract_each",
]

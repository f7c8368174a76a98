"""From an image to its catalog: `extract`, the plan that it follows, and its result."""

from skyshed.extraction.entry import extract
from skyshed.extraction.result import Extraction

__all__ = ["Extraction", "extract"]

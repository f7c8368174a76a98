"""Deblending: sources that overlap are split into their peaks.

`deblend_sources` is the public stage. Mosaics use its parts: `Search` splits sources, and
`number_labels` numbers what they were split into.
"""

from skyshed.deblending.deblend import check_deblending, deblend_sources, warn_of_modes
from skyshed.deblending.numbering import children_of, number_labels
from skyshed.deblending.search import MAX_MARKERS, Search, Split, thresholds

__all__ = [
    "MAX_MARKERS",
    "Search",
    "Split",
    "check_deblending",
    "children_of",
    "deblend_sources",
    "number_labels",
    "thresholds",
    "warn_of_modes",
]

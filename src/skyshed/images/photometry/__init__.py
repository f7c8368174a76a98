"""From what a header says to what one unit of a pixel is in flux densities, by declared rules.

A rule is a function of `Evidence` under `@rule`; a module with rules is imported here.
"""

from skyshed.images.photometry import flux_units, zero_points  # noqa: F401 - these register rules
from skyshed.images.photometry.calibration import Calibration
from skyshed.images.photometry.evidence import Evidence
from skyshed.images.photometry.rules import (
    RULES,
    ContradictionError,
    Rule,
    calibration_of,
    photometric_cards,
    rule,
    warn_of_no_calibration,
)

__all__ = [
    "RULES",
    "Calibration",
    "ContradictionError",
    "Evidence",
    "Rule",
    "calibration_of",
    "photometric_cards",
    "rule",
    "warn_of_no_calibration",
]

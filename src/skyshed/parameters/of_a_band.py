"""The parameters that belong to the numbers of one band."""

from typing import Any

__all__ = ["OF_A_BAND"]

#: Those that may be given for each of several bands, and what their combination has.
OF_A_BAND: dict[str, Any] = {
    "effective_gain": None, "exposure_time": None, "zero_point": None, "zero_point_system": None,
    "saturation": None, "scale_weight": False, "weight_threshold": None, "mask_bits": None,
}  # fmt: skip

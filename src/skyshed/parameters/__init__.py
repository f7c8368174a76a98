"""The parameters of the chain. Light on purpose: no NumPy, no astropy."""

from skyshed.parameters.of_a_band import OF_A_BAND
from skyshed.parameters.parameters import Parameters, canonical_keys
from skyshed.parameters.presets import PRESETS

__all__ = ["OF_A_BAND", "PRESETS", "Parameters", "canonical_keys"]

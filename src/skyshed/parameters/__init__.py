"""The parameters of the chain. Light on purpose: no NumPy, no astropy."""

from skyshed.parameters.parameters import Parameters, canonical_keys

__all__ = ["Parameters", "canonical_keys"]

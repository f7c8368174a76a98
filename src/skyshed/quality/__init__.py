"""How good a catalog is: sources of known flux and shape, injected into an image and found again.

>>> from skyshed.quality import assess
>>> from skyshed.datasets import make_survey_image
>>> image = make_survey_image((256, 256), seed=4)
>>> found = assess(image.data, mask=image.mask, psf_fwhm=3.5, n_sources=60, seed=1)
>>> found.bins.colnames[:4]
['kind', 'magnitude', 'flux', 'n']
"""

from skyshed.quality.assess import Quality, assess

__all__ = ["Quality", "assess"]

"""A script as its users write it, of photutils' guide. It knows nothing of skyshed."""

import sys

import numpy as np
from astropy.convolution import convolve
from photutils.background import Background2D, MedianBackground
from photutils.segmentation import (
    SourceCatalog,
    SourceFinder,
    detect_sources,
    make_2dgaussian_kernel,
)

rng = np.random.default_rng(int(sys.argv[1]))
y, x = np.mgrid[:200, :220]
data = rng.normal(10, 1, y.shape)
for _ in range(25):
    x0, y0, flux = *rng.uniform(10, 190, 2), rng.uniform(20, 90)
    data += flux * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 9)
background = Background2D(data, (50, 50), filter_size=(3, 3), bkg_estimator=MedianBackground())
data -= background.background
convolved = convolve(data, make_2dgaussian_kernel(3.0, size=5))
finder = SourceFinder(n_pixels=10, progress_bar=False)
segments = finder(convolved, 1.5 * background.background_rms)
print(segments.n_labels, segments.labels.tolist())
table = SourceCatalog(data, segments, convolved_data=convolved).to_table()
for column in table.colnames:
    if column not in ("label", "sky_centroid"):
        table[column].info.format = ".6g"
table["orientation"] %= 180 * table["orientation"].unit  # releases of photutils differ in its range
table.pprint_all()
print(f"{convolve(np.arange(9.0), np.ones(3)).sum():.6f}")
try:
    detect_sources(data, 5.0, n_pixels=5, connectivity=6)
except ValueError as error:
    print(type(error).__name__, error)
sys.exit(7)

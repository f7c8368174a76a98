"""Draw the picture of the first page and the README: python docs/picture.py."""

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from astropy.visualization import AsinhStretch, ImageNormalize
from PIL import Image

import skyshed
from skyshed.datasets import make_survey_image

PICTURE = Path(__file__).with_name("site") / "field.png"


def draw(path: Path) -> None:
    """Draw a simulated field with its Kron apertures beside its labels."""
    image = make_survey_image((384, 512), seed=4, window=(0, 384, 0, 512), density=5000)
    found = skyshed.extract(image.data, mask=image.mask)
    noise = float(np.median(found.background_rms[:, :]))
    norm = ImageNormalize(vmin=-3 * noise, vmax=100 * noise, stretch=AsinhStretch(0.03))
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.75), dpi=100)
    fig.subplots_adjust(0, 0, 1, 1, wspace=0.01)
    axes[0].imshow(found.data[:, :], norm=norm, cmap="gray_r", origin="lower")
    found.catalog.plot_kron_apertures(ax=axes[0], color="tab:red", lw=0.8)
    found.segmentation.imshow(ax=axes[1])
    for ax in axes:
        ax.set(xlim=(-0.5, 511.5), ylim=(-0.5, 383.5))
        ax.set_axis_off()
    fig.canvas.draw()
    # A palette makes a third of the file, and no difference that is seen.
    Image.fromarray(np.asarray(fig.canvas.buffer_rgba())[..., :3]).quantize(128).save(path)


if __name__ == "__main__":
    draw(PICTURE)

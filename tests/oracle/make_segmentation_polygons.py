"""Write segmentation_polygons.npz: outlines of random segments by photutils 3.1.1 (Python 3.12).

The images lie end to end in one array, beside their shapes. A row of `rings` says which image,
which of its labels, which piece of the label and which ring of the piece (0 is the outer one) has
how many vertices; `twice_vertices` has twice their coordinates, end to end.
"""

from pathlib import Path

import numpy as np
from photutils.segmentation import SegmentationImage

N_IMAGES = 40


def random_image(rng):
    """Draw labels that touch at edges and corners, have holes, and are in pieces."""
    shape = tuple(rng.integers(1, 16, 2))
    labels = rng.integers(1, rng.integers(2, 7), shape)
    return (labels * (rng.random(shape) < rng.choice([0.3, 0.6, 0.9, 1.0]))).astype(np.int32)


def rings_of(polygon):
    """Return (piece, ring, vertices) of each ring."""
    pieces = getattr(polygon, "geoms", [polygon])
    return [
        (piece, ring, np.array(line.coords))
        for piece, each in enumerate(pieces)
        for ring, line in enumerate([each.exterior, *each.interiors])
    ]


def main():
    rng = np.random.default_rng(11)
    images, rings, vertices = [], [], []
    while len(images) < N_IMAGES:
        image = random_image(rng)
        if not image.any():
            continue
        for row, polygon in enumerate(SegmentationImage(image).polygons):
            for piece, ring, line in rings_of(polygon):
                rings.append((len(images), row, piece, ring, len(line)))
                vertices.append(line)
        images.append(image)
    np.savez_compressed(
        Path(__file__).with_name("segmentation_polygons.npz"),
        shapes=np.array([image.shape for image in images]),
        images=np.concatenate([image.ravel() for image in images]).astype(np.int8),
        rings=np.array(rings, np.int16),
        # Corners of pixels lie at half-integers.
        twice_vertices=(2 * np.concatenate(vertices)).astype(np.int16),
    )


if __name__ == "__main__":
    main()

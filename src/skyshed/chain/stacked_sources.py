"""The sources of equal images, one below the other, and those of each image."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.namespace import array_namespace, like
from skyshed.segmentation import SegmentationImage
from skyshed.segmentation.provenance import Provenance
from skyshed.sources import Rows, Sources

__all__ = ["StackedSources"]


@dataclass(frozen=True, eq=False)
class StackedSources:
    """The sources of all images, image by image, each under the label that it has in its own.

    Attributes
    ----------
    labels : array of int32, shape (n_images * ny, nx)
        The label of each pixel in its image.
    sources : Sources
        Where the sources are in all images together.
    first : array of int64, shape (n_images + 1,)
        Where the sources of each image begin, and their number.
    own : tuple of array
        Offsets, pixels and bounding boxes as each image has them, where the images are.
    noted : sequence of Provenance
        What deblending noted about the sources of each image.
    infos : sequence of dict
        What it notes about their labels before.
    """

    labels: Any
    sources: Sources
    first: Any
    own: tuple[Any, Any, Any]
    noted: list[Provenance]
    infos: list[dict[str, Any]]

    @classmethod
    def of(
        cls, detected: SegmentationImage, segments: SegmentationImage, n_images: int
    ) -> "StackedSources":
        """Take them from segmentation images of all images together.

        Parameters
        ----------
        detected, segments : SegmentationImage
            Before and after deblending; the same if nothing was split. Labels count from 1.
        n_images : int
            How many images there are.
        """
        labels, given = segments.label_table.image, segments.label_table.sources
        height = labels.shape[0] // n_images
        image = given.host.bbox[:, 0] // height
        order = np.argsort(image, kind="stable")
        image = image[order]
        first = np.searchsorted(image, np.arange(n_images + 1))
        number = np.arange(1, image.size + 1) - first[image]
        of_label = np.zeros((2, image.size + 1), np.int64)  # image, and label there
        of_label[:, given.host.labels[order]] = image, number
        before = detected.label_table.sources.host.bbox[:, 0] // height
        old = np.stack([before, np.arange(1, before.size + 1) - np.searchsorted(before, before)])
        old = np.concatenate([np.zeros((2, 1), np.int64), old], axis=1)
        noted = _by_image(segments.provenance, of_label, old, n_images)
        infos = [
            {
                name: old[1, which[old[0, which] == k]].astype(which.dtype)
                for name, which in segments.info.items()
                if (old[0, which] == k).any()
            }
            for k in range(n_images)
        ]
        if image.size == 0:
            starts = like(np.zeros(n_images, np.int64), labels)
            return cls(labels, given, first, (starts, given.pixel, given.bbox), noted, infos)
        table = like(of_label[1].astype(np.int32), labels)
        sources, rows = _in_order(given, order, number)
        start = np.concatenate(
            [
                rows.start[first[k] : first[k + 1] + 1] - rows.start[first[k]]
                for k in range(n_images)
            ]
        )
        tops = np.outer(image * height, [1, 1, 0, 0])
        own = (
            like(start, labels), sources.pixel % (height * labels.shape[1]),
            sources.bbox - like(tops, labels),
        )  # fmt: skip
        xp = array_namespace(labels=labels)
        return cls(xp.take(table, labels), sources, first, own, noted, infos)

    def which(self, k: int) -> slice:
        """Return which of all sources are those of an image."""
        return slice(int(self.first[k]), int(self.first[k + 1]))

    def segmentation(self, k: int) -> SegmentationImage:
        """Return the segmentation image of one of the images."""
        n_images, these = len(self.noted), self.which(k)
        height = self.labels.shape[0] // n_images
        labels = self.labels[k * height : (k + 1) * height]
        start, pixel, bbox = self.own
        host = self.sources.host
        offsets = host.start[these.start : these.stop + 1]
        top = np.array([1, 1, 0, 0]) * k * height
        sources = Sources(
            self.sources.labels[these], start[these.start + k : these.stop + k + 1],
            pixel[int(offsets[0]) : int(offsets[-1])], bbox[these], labels.shape,
        )  # fmt: skip
        # What is known on the host need not be copied again.
        vars(sources)["host"] = Rows(
            host.labels[these], offsets - offsets[0], host.bbox[these] - top
        )
        noted = self.noted[k]
        return SegmentationImage.from_labels(
            labels, sources=sources, deblended_labels_map=(noted.child, noted.parent),
            flags_map=(noted.flagged, noted.flags), before_map=(noted.whole, noted.before),
            info=self.infos[k],
        )  # fmt: skip


def _in_order(sources: Sources, order: Any, number: Any) -> tuple[Sources, Rows]:
    """Return sources in another order and under other labels, also as they are on the host."""
    area = sources.host.area[order]
    rows = Rows(number.astype(np.int32), np.append(0, np.cumsum(area)), sources.host.bbox[order])
    taken = sources.take(order)
    found = Sources(
        like(rows.labels, taken.pixel), taken.start, taken.pixel, taken.bbox, sources.shape
    )
    vars(found)["host"] = rows
    return found, rows


def _by_image(noted: Provenance, new: Any, old: Any, n_images: int) -> list[Provenance]:
    """Return what is noted about the sources of each image.

    Parameters
    ----------
    noted : Provenance
        About labels in all images together.
    new, old : array of int64, shape (2, n + 1)
        The image of each label after and before deblending, and the label there.
    n_images : int
        How many images there are.
    """
    found = []
    for k in range(n_images):
        child, flagged, whole = (
            new[0, each] == k for each in (noted.child, noted.flagged, noted.whole)
        )
        found.append(
            Provenance(
                new[1, noted.child[child]], old[1, noted.parent[child]],
                new[1, noted.flagged[flagged]], noted.flags[flagged],
                new[1, noted.whole[whole]], old[1, noted.before[whole]],
            )
        )  # fmt: skip
    return found

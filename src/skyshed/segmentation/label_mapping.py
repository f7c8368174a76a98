"""Which labels of one segmentation image lie on those of another."""

from typing import Any

import numpy as np

from skyshed.namespace import array_namespace, repeat, to_host
from skyshed.segmentation.label_table import LabelTable

__all__ = ["map_labels"]


def map_labels(table: LabelTable, other: LabelTable, labels: Any) -> dict[int, Any]:
    """Return the other's labels on each label; see `SegmentationImage.get_label_mapping`."""
    if other.shape != table.shape:
        raise ValueError(
            f"other must have the same shape as this segmentation image, {table.shape}; "
            f"got {other.shape}"
        )
    sources, own_labels = table.sources, table.labels
    if labels is not None:
        index = np.atleast_1d(table.index_of(labels))
        sources, own_labels = sources.take(index), own_labels[index]
    xp = array_namespace(data=table.data, other=other.data)
    value = other.data.reshape(-1)[sources.pixel]
    row = repeat(xp.arange(len(sources)), sources.area)
    order = value.argsort(kind="stable")
    order = order[row[order].argsort(kind="stable")]
    value, row = value[order], row[order]
    is_first = xp.ones(row.shape, dtype=bool)
    is_first[1:] = (row[1:] != row[:-1]) | (value[1:] != value[:-1])
    value, row = to_host(value[is_first]), to_host(row[is_first])
    parts = np.split(value, np.searchsorted(row, np.arange(1, len(sources))))
    return dict(zip(own_labels.tolist(), parts, strict=False))

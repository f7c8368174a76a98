"""What has a value for each position of an aperture: columns, and choices of positions."""

import operator
from copy import deepcopy
from dataclasses import replace
from typing import Any, Self

import numpy as np

from skyshed.aperture.column import Column

__all__ = ["OLD_NAMES", "PerPosition"]

#: Names of photutils before 3.0.
OLD_NAMES = {
    "covar_sigx2": "covariance_xx",
    "covar_sigxy": "covariance_xy",
    "covar_sigy2": "covariance_yy",
    "cxx": "ellipse_cxx",
    "cxy": "ellipse_cxy",
    "cyy": "ellipse_cyy",
    "data_sumcutout": "data_sum_cutout",
    "error_sumcutout": "error_sum_cutout",
    "get_id": "select_id",
    "get_ids": "select_ids",
    "ids": "id",
    "n_apertures": "n_positions",
    "semimajor_sigma": "semimajor_axis",
    "semiminor_sigma": "semiminor_axis",
    "xcentroid": "x_centroid",
    "ycentroid": "y_centroid",
}


class PerPosition:
    """Columns of the positions of an aperture, which can be indexed and chosen by number."""

    aperture: Any
    labels: Any
    _pixel: Any
    _ids: Any
    _background: Any
    _images: Any
    _values: dict[str, Any]

    @property
    def isscalar(self) -> bool:
        """Whether there is one position, not a list of them."""
        return bool(self._pixel.isscalar)

    @property
    def n_positions(self) -> int:
        """The number of positions."""
        return len(np.atleast_2d(self._pixel.positions))

    def __len__(self) -> int:
        if self.isscalar:
            raise TypeError(f"Scalar {type(self).__name__!r} object has no len()")
        return self.n_positions

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__}>\nLength: {self.n_positions}"

    def __getitem__(self, index: Any) -> Self:
        if self.isscalar:
            raise TypeError(f"A scalar {type(self).__name__!r} object cannot be indexed")
        new = object.__new__(type(self))
        vars(new).update(
            {name: value for name, value in vars(self).items() if not name.startswith("_table_")}
        )
        for name in ("_reduced", "_center_sums", "_ellipse", "_sums"):
            vars(new).pop(name, None)
        new.aperture, new._pixel = self.aperture[index], self._pixel[index]
        new._ids = np.atleast_1d(self._ids[index])
        new._background = np.atleast_1d(self._background[index])
        if self._images.label is not None:
            label = np.atleast_1d(self._images.label[index])
            new._images = replace(self._images, label=label)
        if self.labels is not None:
            new.labels = np.atleast_1d(self.labels)[index]
        new._values = {}
        return new

    def __iter__(self) -> Any:
        for index in range(len(self)):
            yield self[index]

    def __getattr__(self, name: str) -> Any:
        if name in OLD_NAMES:
            return getattr(self, OLD_NAMES[name])
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
        )

    def copy(self) -> Self:
        """Return a copy that shares nothing."""
        return deepcopy(self)

    def select_id(self, id_num: int) -> Self:
        """Return the statistics of one position, by its number from 1; see `select_ids`."""
        return self.select_ids(id_num)

    def select_ids(self, id_nums: Any) -> Self:
        """Return the statistics of some positions, by their numbers from 1.

        Raises
        ------
        TypeError
            If there is a scalar position only.
        ValueError
            If a number is unknown.
        """
        if self.isscalar:
            raise TypeError(f"A scalar {type(self).__name__!r} object cannot be indexed")
        places = {number: place for place, number in enumerate(self._ids.tolist())}
        for number in np.atleast_1d(id_nums).tolist():
            if number not in places:
                raise ValueError(f"{number} is not a valid source ID number")
        if np.ndim(id_nums) == 0:
            return self[places[operator.index(id_nums)]]
        return self[[places[number] for number in np.asarray(id_nums).tolist()]]

    def _array(self, name: str) -> Any:
        """Return a column for all positions, also of a scalar one."""
        column = getattr(type(self), name)
        return column.all(self)

    @property
    def properties(self) -> list[str]:
        """The names of all columns but ``id``."""
        named = ((name, getattr(type(self), name)) for name in dir(type(self)))
        return sorted(name for name, one in named if isinstance(one, Column) and name != "id")

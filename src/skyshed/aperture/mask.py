"""The weights of an aperture's pixels."""

from typing import Any

import numpy as np

__all__ = ["ApertureMask"]


class ApertureMask:
    """The weights of the pixels of an aperture's bounding box.

    Parameters
    ----------
    data : array of float, shape (ny, nx)
        The weights, 0 to 1.
    bbox : `BoundingBox`
        Where they lie; its shape is that of ``data``.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.aperture import CircularAperture
    >>> mask = CircularAperture((2, 1), r=1).to_mask(method="center")
    >>> mask.data
    array([[0., 0., 0.],
           [0., 1., 0.],
           [0., 0., 0.]])
    >>> mask.multiply(np.arange(12.0).reshape(3, 4))[1, 1]
    np.float64(6.0)
    """

    def __init__(self, data: Any, bbox: Any) -> None:
        self.data = np.asanyarray(data)
        if self.data.shape != bbox.shape:
            raise ValueError(
                "mask data and bounding box must have the same shape: "
                f"got {self.data.shape} and {bbox.shape}"
            )
        self.bbox = bbox

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        return np.array(self.data, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<ApertureMask(shape={self.shape}, bbox={self.bbox})>"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the weights."""
        return tuple(self.data.shape)

    def get_overlap_slices(self, shape: tuple[int, int]) -> tuple[Any, Any]:
        """Return the slices of the overlap; see `BoundingBox.get_overlap_slices`."""
        return self.bbox.get_overlap_slices(shape)  # type: ignore[no-any-return]

    def to_image(self, shape: tuple[int, int], dtype: Any = float) -> Any:
        """Return an image of zeros and of the weights.

        Parameters
        ----------
        shape : tuple of int
            The shape of the image.
        dtype : dtype, optional
            Its dtype: integers would cut fractions off.

        Returns
        -------
        array, shape ``shape``, or None
            `None` where they have no pixel in common.

        Raises
        ------
        ValueError
            If ``shape`` has not two elements.
        """
        of_image, of_mask = self.get_overlap_slices(shape)
        if of_image is None:
            return None
        image = np.zeros(shape, dtype=dtype)
        image[of_image] = self.data[of_mask]
        return image

    def cutout(self, data: Any, fill_value: float = 0.0, copy: bool = False) -> Any:
        """Cut the bounding box out of an image.

        Parameters
        ----------
        data : array or Quantity, shape (ny, nx)
            The image.
        fill_value : float, optional
            For pixels outside the image; one that is not finite makes a cutout of float.
        copy : bool, optional
            Whether to copy the pixels where the box is within the image.

        Returns
        -------
        array or Quantity, or None
            `None` where they have no pixel in common.

        Raises
        ------
        ValueError
            If ``data`` is not 2-D.
        """
        data = np.asanyarray(data)
        if data.ndim != 2:
            raise ValueError(f"data must be a 2D array, got {data.ndim}D")
        of_image, of_mask = self.get_overlap_slices(data.shape)
        if of_image is None:
            return None
        inside = data[of_image]
        if inside.shape == self.shape:
            return np.copy(inside) if copy else inside
        dtype = data.dtype if np.isfinite(fill_value) else float
        cutout = np.full(self.shape, fill_value, dtype=dtype)
        cutout[of_mask] = getattr(inside, "value", inside)
        unit = getattr(data, "unit", None)
        return cutout if unit is None else cutout << unit

    def multiply(self, data: Any, fill_value: float = 0.0) -> Any:
        """Return the weights times the pixels, `cutout`'s; ``fill_value`` where the weight is 0."""
        cutout = self.cutout(data, fill_value=fill_value)
        if cutout is None:
            return None
        with np.errstate(invalid="ignore"):
            weighted = cutout * self.data
        unit = getattr(weighted, "unit", None)
        weighted[self.data == 0] = fill_value if unit is None else fill_value << unit
        return weighted

    def get_values(self, data: Any, mask: Any = None) -> Any:
        """Return the weights times the pixels that have one, as a 1-D array.

        Parameters
        ----------
        data : array or Quantity, shape (ny, nx)
            The image.
        mask : array of bool, shape (ny, nx), optional
            True for pixels to leave out.

        Returns
        -------
        array or Quantity, shape (n,)
            In the order of the image; empty where there is none.

        Raises
        ------
        ValueError
            If ``mask`` has another shape than ``data``.
        """
        if mask is not None and mask.shape != data.shape:
            raise ValueError(
                f"mask and data must have the same shape: got {mask.shape} and {data.shape}"
            )
        of_image, of_mask = self.get_overlap_slices(data.shape)
        unit = getattr(data, "unit", None)
        if of_image is None:
            return np.array([]) if unit is None else np.array([]) << unit
        weights = self.data[of_mask]
        wanted = weights > 0
        if mask is not None:
            wanted &= ~mask[of_image]
        with np.errstate(invalid="ignore"):
            return (data[of_image] * weights)[wanted]

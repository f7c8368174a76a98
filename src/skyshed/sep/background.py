"""The background as SEP estimates it."""

from typing import Any

import numpy as np

from skyshed.kernels import sep
from skyshed.sep.images import above_threshold, on_host

__all__ = ["Background"]


class Background:
    """Background and noise that vary over an image, as SourceExtractor estimates them.

    Each box's level is the mode of its histogram after clipping; boxes are median-filtered and
    interpolated by bicubic splines. On the CPU only.

    Parameters
    ----------
    data : array_like, shape (ny, nx)
        The image.
    mask : array, shape (ny, nx), optional
        Pixels whose value is above ``maskthresh`` are left out; True counts as 1.
    maskthresh : float, optional
        The greatest value of a pixel that is not masked.
    bw, bh : int, optional
        Width and height of boxes in pixels.
    fw, fh : int, optional
        Width and height of the median filter in boxes.
    fthresh : float, optional
        Boxes that the filter would change by less keep their level.
    n_threads : int, optional
        Threads; `None` for all available cores. The result has the same bits for any number.

    Raises
    ------
    TypeError
        If ``data`` does not hold real numbers, or is on a GPU.
    ValueError
        If ``data`` is not 2-D, of the other byte order, or shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> import skyshed.sep as sep
    >>> data = np.random.default_rng(1).normal(10, 2, (256, 256))
    >>> background = sep.Background(data, bw=64, bh=64)
    >>> print(f"{background.globalback:.1f} {background.globalrms:.1f}")
    10.0 2.0
    >>> bool(abs((data - background).mean()) < 0.02)
    True
    """

    def __init__(
        self,
        data: Any,
        mask: Any = None,
        maskthresh: float = 0.0,
        bw: int = 64,
        bh: int = 64,
        fw: int = 3,
        fh: int = 3,
        fthresh: float = 0.0,
        *,
        n_threads: int | None = None,
    ) -> None:
        image = on_host(data, "sep.Background")
        for name, value in (("bw", bw), ("bh", bh), ("fw", fw), ("fh", fh)):
            if int(value) != value or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        masked = above_threshold(mask, maskthresh, image.shape)
        masked = None if masked is None else np.ascontiguousarray(masked)
        self._box, self._shape, self._n_threads = (int(bh), int(bw)), image.shape, n_threads
        dtype = getattr(data, "dtype", image.dtype)
        self._dtype = dtype if dtype in (np.float32, np.int32) else np.dtype(float)
        pixels = np.ascontiguousarray(image, np.float32)
        self._level, self._noise, self._globalback, self._globalrms = sep.background_mesh(
            pixels, masked, self._box, (int(fh), int(fw)), fthresh, n_threads
        )

    @property
    def globalback(self) -> float:
        """The median level of all boxes."""
        return self._globalback

    @property
    def globalrms(self) -> float:
        """The median noise of all boxes."""
        return self._globalrms

    def back(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return the background of each pixel.

        Parameters
        ----------
        dtype : dtype, optional
            float32, float64 or int32; by default that of the image.
        copy : bool, optional
            Has no effect: the array is always a new one.

        Returns
        -------
        array, shape (ny, nx)
        """
        return self._map(self._level, dtype)

    def rms(self, dtype: Any = None) -> Any:
        """Return the noise of each pixel; see `back`."""
        return self._map(self._noise, dtype)

    def _map(self, mesh: Any, dtype: Any) -> Any:
        dtype = self._dtype if dtype is None else np.dtype(dtype)
        image = sep.background_map(mesh, self._box, self._shape, self._n_threads)
        # Integers are rounded as SEP does: by adding a half, and then towards 0.
        return (
            (image + 0.5).astype(dtype) if dtype.kind in "iu" else image.astype(dtype, copy=False)
        )

    def subfrom(self, data: Any) -> None:
        """Subtract the background from an image, in place.

        Raises
        ------
        ValueError
            If its shape is another one.
        """
        if data.shape != self._shape:
            raise ValueError(
                f"Data dimensions do not match background dimensions: {data.shape}, {self._shape}"
            )
        data -= self.back(dtype=data.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.back(dtype=dtype)

    #: NumPy asks `__rsub__` rather than subtract an array of this.
    __array_ufunc__ = None

    def __rsub__(self, data: Any) -> Any:
        data = np.copy(data)
        self.subfrom(data)
        return data

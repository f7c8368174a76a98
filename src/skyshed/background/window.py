"""The background in a window of an image, from the mesh of the whole image."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skyshed.background.interpolation import BkgZoomInterpolator
from skyshed.background.mesh import Mesh
from skyshed.background.places import expanded_at
from skyshed.kernels import zoom
from skyshed.kernels.threads import resolve_n_threads
from skyshed.namespace import imported_modules, named_modules

__all__ = ["BackgroundWindow"]

#: A pixel by itself takes as long as so many of a map (130 and 5 ns).
COST_OF_A_PLACE = 26


@dataclass(frozen=True, eq=False)
class BackgroundWindow:
    """Level and noise of the background at every pixel of a window of an image.

    The bits are those of the maps of the whole image, since the mesh is that of the whole image.

    Attributes
    ----------
    mesh : Mesh
        Level and noise of every box of the whole image.
    shape : tuple of int
        The shape of the whole image.
    box_size : pair of int
        Height and width of the boxes.
    dtype : dtype
        The dtype of the image.
    window : tuple of int
        ``(y0, y1, x0, x1)``: rows y0 to y1 - 1, columns x0 to x1 - 1.
    xp : module
        The array library of the maps: `numpy` or ``cupy``.
    n_threads : int or None
        Threads to use; `None` for all available cores.
    unit : `~astropy.units.UnitBase` or None
        The unit of the maps.
    interpolator : callable
        Expands a mesh to an image.
    coverage_mask : array of bool, shape (ny, nx), or None
        True for pixels of the image without data.
    fill_value : float
        The value of these pixels in the maps.

    Raises
    ------
    ValueError
        If the window is empty, or not inside the image.
    """

    mesh: Mesh
    shape: tuple[int, int]
    box_size: Any
    dtype: Any
    window: tuple[int, int, int, int]
    xp: Any = np
    n_threads: int | None = None
    unit: Any = None
    interpolator: Any = field(default_factory=BkgZoomInterpolator)
    coverage_mask: Any = None
    fill_value: float = 0.0

    def __post_init__(self) -> None:
        (ny, nx), (y0, y1, x0, x1) = self.shape, self.window
        if not (0 <= y0 < y1 <= ny and 0 <= x0 < x1 <= nx):
            raise ValueError(
                f"the window must be 0 <= y0 < y1 <= {ny} and 0 <= x0 < x1 <= {nx}, got y0={y0}, "
                f"y1={y1}, x0={x0}, x1={x1}"
            )

    def __getstate__(self) -> dict[str, Any]:
        return named_modules(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(imported_modules(state))

    def at(self, y0: int, y1: int, x0: int, x1: int) -> "BackgroundWindow":
        """Return the background in another window of the same image."""
        return replace(self, window=(y0, y1, x0, x1))

    @property
    def background(self) -> Any:
        """The level at every pixel of the window, computed each time it is asked for."""
        return self._expand("level")

    @property
    def background_rms(self) -> Any:
        """The noise at every pixel of the window, computed each time it is asked for."""
        return self._expand("noise")

    def noise_at(self, y: Any, x: Any) -> Any:
        """Return the noise at some pixels of the window.

        Parameters
        ----------
        y, x : array of int64, shape (n,)
            Rows and columns of the whole image, of pixels of the window.

        Returns
        -------
        noise : array, shape (n,)
            Bit by bit that of `background_rms`, which is not made if pixels are few.
        """
        y0, y1, x0, x1 = self.window
        noise, interpolator = self.mesh.noise, self.interpolator
        few = 0 < COST_OF_A_PLACE * y.size < (y1 - y0) * (x1 - x0)
        if few and self._is_spline and self.xp is np:
            known = self.mesh.coefficients("noise", interpolator)
            if known is not None and max(self.box_size) > 1 and noise.min() < noise.max():
                places, size = (y, x), self.box_size
                return expanded_at(interpolator, noise, known, size, places, self.n_threads)
        return self.background_rms[y - y0, x - x0]

    def add_without(
        self,
        total: Any,
        data: Any,
        mask: Any = None,
        over_noise: bool = False,
        squared: bool = False,
        lost: Any = None,
    ) -> Any:
        """Add the window of an image, without its level, to a sum in one pass over memory.

        The bits are those of the maps, subtracted, divided and added one after the other.

        Parameters
        ----------
        total : array, shape (ny, nx), or None
            The sum, which is written to; `None` before the first term.
        data : array, shape (ny, nx)
            The image in the window.
        mask : array of bool, shape (ny, nx), optional
            Where nothing is added.
        over_noise, squared : bool, optional
            Whether what is added is divided by the noise, and squared.
        lost : array of uint8, shape (ny, nx), optional
            Is increased by 1 where nothing is added: where masked, or the image is not finite.

        Returns
        -------
        total : array or None
            The sum. `None`, and nothing is done, where that is not possible: the maps are made
            otherwise, of another dtype, arrays are not contiguous, or noise is 0 somewhere.
        """
        plain = mask is None or mask.flags.c_contiguous
        plain &= total is None or total.dtype == data.dtype
        names = ("level", "noise") if over_noise else ("level",)
        known = self._splines(data, names) if plain else None
        if known is None:
            return None
        index, weight, level, *noise = known
        return zoom.add_without(
            data, total, mask, index, weight, level, noise[0] if noise else None, squared,
            resolve_n_threads(self.n_threads), lost,
        )  # fmt: skip

    def subtract_in_runs(
        self, data: Any, mask: Any, runs: Any, out: tuple[Any, Any], marked: Any = None
    ) -> Any:
        """Write the window of an image without its level, and its noise, where they are needed.

        The bits are those of the maps. Only on the host: a GPU has made the maps sooner than it is
        known which pixels are needed.

        Parameters
        ----------
        data, mask
            As for `add_without`; what is masked need not be finite.
        runs : array of int64, shape (n, 2)
            The pixels, as `skyshed.kernels.zoom.subtract_in_runs` takes them.
        out : pair of arrays, shape (ny, nx)
            Are written to; see there.
        marked : array of bool, shape (ny, nx), optional
            Is written to as well: which pixels are masked or not finite.

        Returns
        -------
        finite : bool or None
            Whether the values are finite that are not masked. `None`, and nothing is done, where
            `add_without` does nothing.
        """
        plain = self.xp is np and (mask is None or mask.flags.c_contiguous)
        plain &= all(each.dtype == data.dtype for each in out)
        known = self._splines(data, ("level", "noise")) if plain else None
        if known is None:
            return None
        index, weight, level, noise = known
        n_threads = resolve_n_threads(self.n_threads)
        return zoom.subtract_in_runs(
            data, mask, runs, index, weight, level, noise, out, n_threads, marked
        )

    def _splines(self, data: Any, names: tuple[str, ...]) -> Any:
        """Return indices, weights, and the splines of meshes, as `skyshed.kernels.zoom` takes them.

        `None` where the maps are made otherwise, or of another dtype than ``data``, which are
        contiguous; or where noise is 0 somewhere.
        """
        plain = self._is_spline and self.interpolator.clip and data.flags.c_contiguous
        if not plain or data.dtype != self.mesh.level.dtype:
            return None
        y0, y1, x0, x1 = self.window
        axes = self.interpolator.axes(
            self.mesh.level.shape, self.box_size, np.s_[y0:y1, x0:x1]
        )  # fmt: skip
        splines: list[Any] = []
        for name in names:
            mesh = getattr(self.mesh, name)
            low, high = mesh.min(), mesh.max()
            # Of a flat mesh the map is the value itself, and NaN is neither.
            if axes is None or not low < high or (name == "noise" and not low > 0):
                return None
            coefficients = self.xp.asarray(self.mesh.coefficients(name, self.interpolator))
            splines.append((coefficients, float(low), float(high)))
        assert axes is not None
        return (*axes, *splines)

    @property
    def _is_spline(self) -> bool:
        """Whether maps are splines through the meshes and nothing else."""
        plain = type(self.interpolator) is BkgZoomInterpolator
        return plain and self.unit is None and self.coverage_mask is None

    def _expand(self, name: str) -> Any:
        """Expand one of the two meshes to the window."""
        y0, y1, x0, x1 = self.window
        cut = np.s_[y0:y1, x0:x1]
        # Other interpolators compute whole images.
        cuts = type(self.interpolator) is BkgZoomInterpolator
        if cuts:
            known = {
                "window": cut,
                "xp": self.xp,
                "coefficients": self.mesh.coefficients(name, self.interpolator),
            }
        else:
            known = {
                "mesh_yxcen": self.mesh.centers(self.box_size),
                "mesh_nan_mask": self.mesh.gaps,
            }
        values = getattr(self.mesh, name)
        image = self.interpolator(
            values if cuts else self.xp.asarray(values),
            shape=self.shape,
            dtype=self.dtype,
            box_size=self.box_size,
            n_threads=resolve_n_threads(self.n_threads),
            **known,
        )
        if not cuts and (y1 - y0, x1 - x0) != self.shape:
            image = image[cut].copy()
        if self.coverage_mask is not None:
            np.copyto(image, self.fill_value, where=self.coverage_mask[cut])
        return image if self.unit is None else image << self.unit

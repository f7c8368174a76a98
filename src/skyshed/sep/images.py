"""Images as SEP takes them."""

from typing import Any, NamedTuple

import numpy as np

from skyshed.arguments import as_image
from skyshed.namespace import array_namespace, only_on_host, to_host

__all__ = ["Noise", "above_threshold", "ids_and_labels", "image_of", "noise_of", "on_host"]


class Noise(NamedTuple):
    """The noise of an image: an array, or a number for all pixels, or neither.

    Attributes
    ----------
    array : array of float32 or float64, shape (ny, nx), or None
        Of each pixel.
    number : float or None
        Of all.
    is_variance : bool
        Whether they are variances, not errors.
    """

    array: Any
    number: float | None
    is_variance: bool

    @property
    def known(self) -> bool:
        """Whether there is one."""
        return self.array is not None or self.number is not None


def image_of(data: Any, name: str = "data", shape: Any = None) -> Any:
    """Return a 2-D array of float32 or float64; integers become float64.

    Raises
    ------
    ValueError
        If it is not 2-D, or its bytes are in the other order: SEP refuses it, too.
    TypeError
        If it does not hold real numbers.
    """
    dtype = getattr(data, "dtype", None)
    if dtype is not None and not dtype.isnative:
        raise ValueError(
            f"{name} with dtype {dtype} has non-native byte order: convert it by "
            f"{name}.astype({name}.dtype.newbyteorder('='))"
        )
    return as_image(data, name, array_namespace(**{name: data}), shape=shape)


def on_host(data: Any, what: str) -> Any:
    """Return `image_of`, and refuse arrays on a device.

    Raises
    ------
    TypeError
        If it is on a device.
    """
    only_on_host(data, what, "copy it to the host with cupy.asnumpy")
    return image_of(data)


def above_threshold(mask: Any, maskthresh: float, shape: Any) -> Any:
    """Return where a mask is above its threshold, an array of bool; `None` without one.

    Raises
    ------
    ValueError
        If its shape is not that of the image.
    """
    if mask is None:
        return None
    if mask.shape != shape:
        raise ValueError(
            f"size of mask array must match data: it has {mask.shape}, data has {shape}"
        )
    if mask.dtype.kind == "b" and maskthresh >= 0:
        return mask if maskthresh < 1 else None
    return mask > maskthresh


def noise_of(err: Any, var: Any, shape: Any) -> Noise:
    """Check errors or variances.

    Raises
    ------
    ValueError
        If both are given, or a shape is wrong.
    """
    if err is not None and var is not None:
        raise ValueError("Cannot specify both err and var")
    name, given = ("var", var) if err is None else ("err", err)
    if given is None:
        return Noise(None, None, False)
    if np.ndim(given) == 0:
        return Noise(None, float(to_host(given)), err is None)
    if np.ndim(given) != 2:
        raise ValueError(f"error/variance array must be 0-d or 2-d, {name} is {np.ndim(given)}-d")
    return Noise(image_of(given, name, shape), None, err is None)


def ids_and_labels(segmap: Any, seg_id: Any, like: Any, shape: Any, data_shape: Any) -> Any:
    """Return the id of each of the broadcast positions, and the segmentation map as int32.

    Raises
    ------
    ValueError
        If one is missing, or a shape is wrong.
    """
    if segmap is None:
        return np.zeros(int(np.prod(shape)), np.int32), None
    if seg_id is None:
        raise ValueError("`segmap` supplied but not `seg_id`.")
    if segmap.shape != data_shape:
        raise ValueError(
            f"size of segmap array must match data: it has {segmap.shape}, data has {data_shape}"
        )
    seg_id = np.asarray(to_host(seg_id), np.int32)
    if seg_id.shape != np.shape(like):
        raise ValueError(
            f"Shapes of `x` and `seg_id` do not match: {np.shape(like)} and {seg_id.shape}"
        )
    ids = np.ascontiguousarray(np.broadcast_to(seg_id, shape)).reshape(-1)
    return ids, array_namespace(segmap=segmap).ascontiguousarray(segmap, dtype=np.int32)

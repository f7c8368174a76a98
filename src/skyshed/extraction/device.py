"""Which devices are meant: ``"auto"``, and why; ``"cuda:0,2"``, ``"cuda:all"``."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from skyshed.chain.request import Request
from skyshed.extraction.plan import bytes_at_once
from skyshed.images.made_of import MadeOfAnother
from skyshed.mosaic.memory import SHARE, available, written
from skyshed.namespace import is_device_array, need_gpu, why_no_gpu

__all__ = ["AUTO", "check_device", "gpus_of", "on_first", "with_device"]

#: The device that is found out.
AUTO = "auto"
#: Devices that are named by numbers, or all of them.
NUMBERED = re.compile(r"cuda:(all|\d+(?:,\d+)*)")
#: Images with fewer pixels are done before a GPU has begun: its context and its kernels take a
#: second or more, once in a process. Predicted, not measured (docs/device.md).
LEAST_PIXELS = 2048**2


def check_device(device: Any, scheduler: Any) -> str | None:
    """Return the kind of device that is meant: `None`, "cpu", "cuda" or "auto".

    Raises
    ------
    ValueError
        If it is none, or is to be found out for other machines, or is of this one by its number.
    """
    is_text = isinstance(device, str)
    numbered = is_text and NUMBERED.fullmatch(device) is not None
    if not (numbered or device is None or (is_text and device in ("cpu", "cuda", AUTO))):
        raise ValueError(
            f"device must be None, 'cpu', 'cuda', or 'auto', got {device!r}; several GPUs are "
            "named by their numbers, 'cuda:0,2', or 'cuda:all'"
        )
    if numbered and scheduler is not None:
        raise ValueError(
            f"device={device!r} names GPUs of this machine, and a scheduler's workers are on "
            "others: give 'cuda', and start a worker for each GPU (dask cuda worker)"
        )
    chosen: str | None = "cuda" if numbered else device
    if chosen == AUTO and scheduler is not None:
        raise ValueError(
            "device='auto' looks at this machine, and a scheduler's workers are on others: give "
            "'cuda' if they have GPUs, or 'cpu'"
        )
    return chosen


def gpus_of(device: Any) -> tuple[int, ...]:
    """Return the numbers of the GPUs that are named; none if it is the current one, or no GPU.

    Raises
    ------
    ImportError
        If CuPy is not installed or sees no GPU.
    ValueError
        If there is no such GPU, or one is named twice.
    """
    found = NUMBERED.fullmatch(device) if isinstance(device, str) else None
    if found is None:
        return ()
    cupy = need_gpu(f"device {device!r}")
    there = int(cupy.cuda.runtime.getDeviceCount())
    if found[1] == "all":
        return tuple(range(there))
    numbers = tuple(map(int, found[1].split(",")))
    if max(numbers) >= there or len(set(numbers)) < len(numbers):
        raise ValueError(
            f"device must name GPUs from 0 to {there - 1}, each once, or 'cuda:all', got {device!r}"
        )
    return numbers


def on_first(gpus: tuple[int, ...]) -> AbstractContextManager[Any]:
    """Return a context in which the first of some GPUs is current; without any, nothing changes."""
    if not gpus:
        return nullcontext()
    device: AbstractContextManager[Any] = need_gpu("a GPU").cuda.Device(gpus[0])
    return device


def with_device(request: Request) -> Request:
    """Return a request on the device that pays, with what is said of it for the record."""
    device, why = _chosen(request)
    exposures = {name: replace(each, device=device) for name, each in request.exposures.items()}
    noted: Mapping[str, str] = {**request.noted, "device": f"{device or 'cuda'} (auto: {why})"}
    return replace(request, exposures=exposures, noted=noted)


def _chosen(request: Request) -> tuple[str | None, str]:
    """Return the device, `None` where the images are, and why."""
    image: Any = request.exposure.image
    while isinstance(image, MadeOfAnother):
        image = image.other
    if is_device_array(getattr(image, "array", None)):
        return None, "the image is in a GPU's memory"
    pixels = request.shape[0] * request.shape[1]
    if pixels < LEAST_PIXELS:
        return "cpu", f"{pixels} pixels are done before a GPU has begun"
    why = why_no_gpu()
    if why is not None:
        return "cpu", why
    room, needed = int(SHARE * available("cuda")), bytes_at_once(request, "cuda")
    if needed <= room:
        return "cuda", "a GPU is there, and the image fits into its memory"
    if bytes_at_once(request, "cpu") <= int(SHARE * available()):
        return "cpu", f"{written(needed)} of a GPU's memory are needed, {written(room)} are there"
    return "cuda", "a GPU is there, and the image fits into no memory"

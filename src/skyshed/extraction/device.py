"""Which device ``device="auto"`` stands for, and why."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from skyshed.arguments import check_choice
from skyshed.chain.request import Request
from skyshed.extraction.plan import bytes_at_once
from skyshed.images.made_of import MadeOfAnother
from skyshed.mosaic.memory import SHARE, available, written
from skyshed.namespace import is_device_array, why_no_gpu

__all__ = ["AUTO", "check_device", "with_device"]

#: The device that is found out.
AUTO = "auto"
#: Images with fewer pixels are done before a GPU has begun: its context and its kernels take a
#: second or more, once in a process. Predicted, not measured (docs/device.md).
LEAST_PIXELS = 2048**2


def check_device(device: Any, scheduler: Any) -> str | None:
    """Return a device that is allowed.

    Raises
    ------
    ValueError
        If it is none, or is to be found out for other machines.
    """
    chosen: str | None = check_choice(device, "device", (None, "cpu", "cuda", AUTO))
    if chosen == AUTO and scheduler is not None:
        raise ValueError(
            "device='auto' looks at this machine, and a scheduler's workers are on others: give "
            "'cuda' if they have GPUs, or 'cpu'"
        )
    return chosen


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

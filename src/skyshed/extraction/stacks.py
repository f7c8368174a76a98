"""Which of several images are worked on together, as a stack: equal ones, on a GPU."""

from skyshed.chain.request import Request
from skyshed.devices import on_device_of
from skyshed.extraction.plan import Plan, bytes_at_once, make_plan
from skyshed.extraction.turns import Turn
from skyshed.mosaic.memory import SHARE, available
from skyshed.namespace import is_device_array

__all__ = ["MORE", "go_together", "most_together"]

#: Pixels that images of a stack have together, at most. A GPU is busy with as many, whatever the
#: host does meanwhile (docs/device.md: some 4096 x 4096); more would take memory and gain nothing.
MOST_PIXELS = 4096**2
#: What images together take, in units of what plans have for each: those that lie apart are copied,
#: and there are labels of all and of each (32.1 bytes a pixel of float32 counted, where plans have
#: 28).
MORE = 1.15


def most_together(request: Request, plan: Plan) -> int:
    """Return how many images like this one may be worked on together, itself included."""
    exposure = request.exposure
    array = getattr(exposure.image, "array", None)
    there = exposure.device == "cuda" or (exposure.device is None and is_device_array(array))
    if not there or plan.tiling is not None:
        return 1
    from skyshed.chain.stack import can_be_stacked  # here: the host needs nothing of it

    if not can_be_stacked(request):
        return 1
    memory, budget = plan.memory, plan.budget
    if exposure.device is None:  # the plan is about the host, where no more than tables will be
        with on_device_of(array):
            memory, budget = bytes_at_once(request, "cuda"), int(SHARE * available("cuda"))
    ny, nx = request.shape
    return max(1, min(MOST_PIXELS // (ny * nx), int(budget // (MORE * memory))))


def go_together(request: Request, other: Request, turn: Turn) -> bool:
    """Whether an image, which comes at ``turn``, can be worked on together with one."""
    from skyshed.chain.stack import are_alike, can_be_stacked

    alike = can_be_stacked(other) and are_alike(request, other)
    return alike and make_plan(other, turn.resources).tiling is None

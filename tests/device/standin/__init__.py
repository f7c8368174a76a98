"""A strict stand-in for CuPy: what CuPy refuses, it refuses; what costs on a device, it counts.

    from tests.device import standin

    with standin.in_place() as cupy, standin.ledger() as ledger:
        with ledger.stage("detection"):
            ...
        ledger.no_transfer_larger_than(4096)
        ledger.at_most("detection", synchronisations=2)

Kernels of `cupy.RawModule` run on the emulator, under `standin.schedule(seed=, preempt=)`. Values
are NumPy's and SciPy's; `costs.MEANINGS` lists where CuPy's may differ.
"""

from tests.device.standin.counts import ledger
from tests.device.standin.kernels import schedule
from tests.device.standin.modules import (
    in_place,
    install,
    installed,
    out_of_place,
    uninstall,
)

__all__ = [
    "in_place",
    "install",
    "installed",
    "ledger",
    "out_of_place",
    "schedule",
    "uninstall",
]

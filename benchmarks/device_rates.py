"""What GPUs can do at best, and what a program that asks them must wait for.

Counts of multiprocessors, clocks, bandwidths: NVIDIA's data sheets and architecture white papers of
H200, A100, L4 and T4. Instructions per clock, registers, shared memory and warps: CUDA C++
Programming Guide, "Arithmetic Instructions" and "Compute Capabilities". Latencies, efficiency and
the costs of CuPy's calls: assumed; of the latencies there are published microbenchmarks (of Turing,
Jia et al. 2019, arXiv:1903.07486; of Ampere, Ada and Hopper, Luo et al. 2024, arXiv:2402.13499).
Nothing here was measured by this project, but what copies reach on an H200 (4.3 TB/s).

A pair is the best and the worst that is believed: the true value is taken to lie between.
"""

from dataclasses import dataclass

Range = tuple[float, float]

#: Warp instructions that a multiprocessor can start in a clock, of all kinds; and loads or stores.
ISSUED, ACCESSES = 4.0, 1.0
#: Of these a kernel starts, when its warps never wait for memory.
EFFICIENCY: Range = (0.9, 0.5)
#: Bytes of registers' file and of shared memory are handed out in portions.
REGISTERS, REGISTER_PORTION, WARP, MAX_BLOCKS = 64 * 1024, 256, 32, 16
#: Bytes of shared memory that each block takes besides its own.
SHARED_OF_A_BLOCK = 1024
#: Clocks from one instruction of a warp to the next, where it is alone: sums that depend on each
#: other take four, and every other one depends on the last at best; accesses of memory that find
#: shared memory or the first cache, or (the mean of some) the second; shuffles and barriers.
ARITHMETIC: Range = (2.0, 6.0)
ACCESS: Range = (10.0, 60.0)
EXCHANGE: Range = (10.0, 30.0)
#: Seconds that a kernel takes if it does nothing.
EMPTY: Range = (1.5e-6, 3e-6)
#: Seconds of the host: a launch of an own kernel; of one of CuPy's; a wait for the device with the
#: small copy that is waited for; a small copy to the device.
OWN_LAUNCH: Range = (4e-6, 9e-6)
LIBRARY_LAUNCH: Range = (5e-6, 12e-6)
WAIT: Range = (10e-6, 30e-6)
UPLOAD: Range = (8e-6, 20e-6)
#: How long the host's Python takes elsewhere, in units of the machine that wrote the ledger.
PYTHON: Range = (0.6, 1.3)


@dataclass(frozen=True)
class GPU:
    """A GPU.

    Attributes
    ----------
    name, architecture : str
        The architecture is that of the machine code that runs on it.
    multiprocessors : int
    clock : pair of float
        Hertz, boost and what is kept up.
    fp64, fp32, integer : float
        Warp instructions a clock and multiprocessor.
    fp64_alone : pair of float
        Clocks from one float64 instruction of a warp to the next that depends on it.
    bandwidth : pair of float
        Bytes per second of its memory: the data sheet's less a tenth, and what copies reach.
    wire : pair of float
        Bytes per second between pinned or pageable memory of the host and the GPU.
    warps, shared : int
        Warps, and bytes of shared memory, of a multiprocessor.
    """

    name: str
    architecture: str
    multiprocessors: int
    clock: Range
    fp64: float
    fp32: float
    integer: float
    fp64_alone: Range
    bandwidth: Range
    wire: Range
    warps: int
    shared: int

    def blocks_at_once(self, threads: int, registers: int, shared: int) -> int:
        """Return how many blocks a multiprocessor holds."""
        warps = -(-threads // WARP)
        portion = -(-registers * WARP // REGISTER_PORTION) * REGISTER_PORTION
        room = (
            self.warps // warps,
            REGISTERS // (portion * warps) if registers else MAX_BLOCKS,
            self.shared // (shared + SHARED_OF_A_BLOCK),
            MAX_BLOCKS,
        )
        return max(1, min(room))


GPUS = (
    GPU(
        "H200", "sm_90", 132, (1.98e9, 1.6e9), 2, 4, 2, (4, 8), (4.3e12, 3.8e12), (45e9, 8e9), 64,
        228 * 1024,
    ),
    GPU(
        "A100", "sm_80", 108, (1.41e9, 1.2e9), 1, 2, 2, (4, 8), (1.8e12, 1.3e12), (22e9, 5e9), 64,
        164 * 1024,
    ),
    GPU(
        "L4", "sm_86", 58, (2.04e9, 1.4e9), 1 / 16, 4, 2, (16, 48), (0.27e12, 0.22e12),
        (22e9, 4e9), 48, 100 * 1024,
    ),
    GPU(
        "T4", "sm_75", 40, (1.59e9, 1.0e9), 1 / 16, 2, 2, (16, 48), (0.29e12, 0.22e12),
        (11e9, 3e9), 32, 64 * 1024,
    ),
)  # fmt: skip

#: Bytes per second that a thread copies from the page cache to a pinned buffer; assumed.
PAGE_CACHE: Range = (12e9, 5e9)
#: How many times as fast the threads are together that read a piece of a file for a GPU: four
#: (`skyshed.kernels.stored.cuda.READ`), which at worst share the memory's bandwidth; assumed.
READERS: Range = (4.0, 2.4)
#: Seconds of the host for each source besides the chain's own Python: NumPy over rows; assumed.
PER_SOURCE: Range = (0.15e-6, 0.3e-6)
#: Bytes per second that a node takes from the network (200 and 25 gigabits), and that a file system
#: gives to all nodes together; assumed.
NODE_NETWORK: Range = (22e9, 2.8e9)
FILE_SYSTEM: Range = (100e9, 20e9)
#: Bytes of a pixel in a file that is compressed by RICE_1: of 16 bits some 7 remain, of quantised
#: float32 up to 16; assumed.
COMPRESSED: Range = (0.9, 2.0)

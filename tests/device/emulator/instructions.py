"""What a kernel's basic blocks would execute on a GPU, read from its machine code for the CPU.

The "count" variant calls a hook at the beginning of each basic block. From one call to the next
the disassembly says what is computed: an x86 instruction of scalar arithmetic stands for one of the
GPU's, a call of a mathematical function for as many as NVRTC makes of it. Copies between registers,
and what the CPU spills, stand for none.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["KINDS", "Parts", "parts_of"]

#: Kinds of warp instructions; work.h has as many. Conversions from and to float64 are "fp64".
#: "exchange" are shuffles, votes and barriers.
KINDS = ("fp64", "fp32", "integer", "memory", "exchange")

#: What one operation takes on a GPU, by kind, without the slow paths of rare arguments: counted in
#: machine code of NVRTC 12.9 for sm_90 (`nvdisasm`), of a kernel with the operation less one
#: without, with our options. Of `pow`, whose body is a subroutine, and of 64-bit division,
#: which has two paths, by eye.
TAKES = {
    "divide double": (9, 3, 5, 0, 0),
    "sqrt double": (9, 0, 12, 0, 0),
    "divide float": (0, 7, 5, 0, 0),
    "sqrt float": (0, 5, 7, 0, 0),
    "divide int": (0, 3, 21, 0, 0),
    "divide i64": (0, 3, 37, 0, 0),
    "multiply i64": (0, 0, 4, 0, 0),
    "choose double": (1, 0, 4, 0, 0),
    "choose float": (0, 0, 1, 0, 0),  # as fast as integers
    "round": (1, 0, 0, 0, 0),
    "sin": (18, 2, 31, 0, 0),
    "cos": (18, 2, 32, 0, 0),
    "sincos": (30, 3, 45, 0, 0),
    "exp": (18, 4, 38, 0, 0),
    "log": (31, 3, 49, 0, 0),
    "pow": (75, 5, 75, 0, 0),
    "atan2": (41, 15, 74, 0, 0),
    "hypot": (16, 3, 25, 0, 0),
    "asin": (43, 5, 69, 0, 0),
    "acos": (47, 0, 83, 0, 0),
    "sinh": (40, 9, 70, 0, 0),
}
NONE = (0, 0, 0, 0, 0)
#: A load or a store, with what makes its address; an atomic.
ACCESS, ATOMIC = (0, 0, 1, 1, 0), (0, 0, 2, 1, 0)
EXCHANGE, EXCHANGE_TWICE = (0, 0, 0, 0, 1), (0, 0, 0, 0, 2)
FP64, FP32, INTEGER, WIDE = (1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 2, 0, 0)

HOOK = "__sanitizer_cov_trace_pc"
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(?:(?:lock|rep|notrack)\s+)?([a-z]\w*)\s*(.*)$")
SYMBOL = re.compile(r"^([0-9a-f]+) <(.+)>:$")
ROUNDED = ("floor", "ceil", "rint", "round", "trunc", "nearbyint")
#: Scalar arithmetic of floats: ``addsd``, ``ucomiss``. Signs (``andpd``, ``xorps``) come free.
SCALAR = re.compile(r"(add|sub|mul|div|sqrt|round|min|max|u?comi|cmp\w*)s([sd])$")
#: Conversions between numbers; ``cvtss2sd`` and ``cvttsd2si``.
CONVERTED = re.compile(r"cvtt?(\w\w)2(\w\w)[lq]?$")
WHOLE = re.compile(
    r"(add|sub|adc|sbb|and|or|xor|not|neg|sh[lrd]+|sa[lr]|ro[lr]|test|cmp|inc|dec)[bwlq]?$"
)
#: What a choice takes; loading an address is one sum.
CHOSEN = re.compile(r"(set|cmov)\w+$|j(?!mp)\w+$|bs[fr]\w?$|popcnt\w?$|lea\w?$|bt\w?$")
#: 64-bit registers of the operands. Of an address (in brackets) they say nothing.
WIDE_OPERAND = re.compile(r"%r(?:[a-d]x|[sd]i|[sb]p|\d+(?![dwb]))")
BRACKETS = re.compile(r"\([^)]*\)")


@dataclass(frozen=True)
class Parts:
    """The basic blocks of a library.

    Parameters
    ----------
    at : numpy.ndarray of int32
        For each address, counted from the library's begin, the basic block that a hook's call
        before it opens; -1 where none is.
    steps : numpy.ndarray of float64, shape (n, kinds)
        What each executes.
    """

    at: np.ndarray
    steps: np.ndarray


def parts_of(library: Path) -> Parts:
    """Return the basic blocks of a library that was built with the hook."""
    kept = library.with_suffix(".parts.npz")
    if not kept.exists():
        made = _read(library)
        with open(f"{kept}.{id(made)}", "wb") as file:
            np.savez_compressed(file, at=made.at, steps=made.steps)
        Path(file.name).replace(kept)
    with np.load(kept) as found:
        return Parts(found["at"], found["steps"])


def _read(library: Path) -> Parts:
    listing = subprocess.run(
        ["objdump", "-d", "-C", "--no-show-raw-insn", "-j", ".text", str(library)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    begins, steps = [], []
    opened = False
    for text in listing.splitlines():
        if SYMBOL.match(text):
            continue
        found = LINE.match(text)
        if found is None:
            continue
        address, name, operands = int(found[1], 16), found[2], found[3]
        if opened and begins[-1] is None:
            begins[-1] = address
        if name.startswith("call") and HOOK in operands:
            begins.append(None)
            steps.append(np.zeros(len(KINDS)))
            opened = True
        elif opened:
            steps[-1] += takes(name, operands)
        if name == "ret":
            opened = False
    last = max((begin for begin in begins if begin is not None), default=0)
    at = np.full(last + 1, -1, np.int32)
    for number, begin in enumerate(begins):
        if begin is not None:
            at[begin] = number
    return Parts(at, np.array(steps).reshape(-1, len(KINDS)))


def takes(name: str, operands: str) -> tuple[int, ...]:
    """Return what an x86 instruction stands for, by kind."""
    if name.startswith("call"):
        return _takes_called(operands)
    if found := SCALAR.match(name):
        precise = found[2] == "d"
        if found[1] in ("div", "sqrt"):
            long = {"div": "divide", "sqrt": "sqrt"}[found[1]]
            return TAKES[f"{long} {'double' if precise else 'float'}"]
        return FP64 if precise else FP32
    if found := CONVERTED.match(name):
        return FP64 if "sd" in (found[1], found[2]) else FP32
    wide = bool(WIDE_OPERAND.search(BRACKETS.sub("", operands)))
    if re.match(r"i?div", name):
        return TAKES["divide i64" if wide else "divide int"]
    if re.match(r"i?mul", name):
        return TAKES["multiply i64"] if wide else INTEGER
    if WHOLE.match(name):
        return NONE if "%rsp" in operands.rpartition(",")[2] else WIDE if wide else INTEGER
    return INTEGER if CHOSEN.match(name) else NONE


def _takes_called(operands: str) -> tuple[int, ...]:
    """Return what a function that is called stands for; our own have blocks of their own."""
    name = operands.partition("<")[2].partition("@plt")[0].rstrip(">")
    if name.startswith("__tsan_atomic"):
        return ACCESS if name.endswith(("load", "store")) else ATOMIC
    if name.startswith("__tsan"):
        return NONE if "func" in name else ACCESS
    if name.startswith(("emu::barrier", "emu::exchange", "emu::ballot")):
        return EXCHANGE
    if "emu::shuffle" in name:
        return EXCHANGE_TWICE if re.search("double|long", name) else EXCHANGE
    if "emu::atomic_apply" in name:
        return ATOMIC
    if "emu::" in name and "Cast" in name:
        return FP64 if "double" in name else FP32 if "float" in name else NONE
    if found := re.search(r"\b(?:min|max)<(double|float)>", name):
        return TAKES[f"choose {found[1]}"]
    if name.startswith("__popcount"):
        return INTEGER
    plain = name.removesuffix("f")
    if name in TAKES or plain in TAKES:
        return TAKES.get(name, TAKES.get(plain, NONE))
    return TAKES["round"] if plain in ROUNDED else NONE


def offset_of(library: Path, function: str) -> int:
    """Return where a function is, counted from the library's begin."""
    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True
    ).stdout
    return next(
        int(line.split()[0], 16) for line in symbols.splitlines() if line.split()[2] == function
    )

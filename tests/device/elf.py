"""What machine code for GPUs says of its kernels itself: cubins are ELF files."""

import struct

#: In ``.nv.info``: a value for a symbol, and that it is the number of registers.
VALUE, REGISTERS = 0x04, 0x2F
#: From sm_90 on, a kernel's shared memory begins with bytes of the system's, which are no part of
#: the limit.
RESERVED = 1024


def sections(code: bytes) -> dict[str, bytes | int]:
    """Return the contents of all sections, of those that are not in the file the size."""
    (at,) = struct.unpack_from("<Q", code, 0x28)
    size, n, names = struct.unpack_from("<HHH", code, 0x3A)
    heads = [struct.unpack_from("<IIQQQQIIQQ", code, at + i * size) for i in range(n)]
    found = {}
    for name, kind, _, _, begin, length, *_ in heads:
        text = code[heads[names][4] + name :].split(b"\0", 1)[0].decode()
        absent = kind == 8
        found[text] = length if absent else code[begin : begin + length]
    return found


def symbols(found: dict[str, bytes | int]) -> list[str]:
    """Return the names of all symbols, by number."""
    table, names = found[".symtab"], found[".strtab"]
    return [
        names[struct.unpack_from("<I", table, at)[0] :].split(b"\0", 1)[0].decode()
        for at in range(0, len(table), 24)
    ]


def registers(code: bytes) -> dict[str, int]:
    """Return the registers of a thread, by kernel."""
    found = sections(code)
    info, names, at, result = found[".nv.info"], symbols(found), 0, {}
    while at < len(info):
        form, what, size = struct.unpack_from("<BBH", info, at)
        if (form, what) == (VALUE, REGISTERS):
            symbol, value = struct.unpack_from("<II", info, at + 4)
            result[names[symbol]] = value
        at += 4 + (size if form == VALUE else 0)
    return result


def shared(code: bytes, kernel: str, reserved: bool) -> int:
    """Return the bytes of a kernel's static shared memory."""
    size = sections(code).get(f".nv.shared.{kernel}", 0)
    return size - RESERVED if reserved and size else size

"""Reads the signatures of the real CuPy, which needs no GPU for that.

    python tests/device/standin/harvest.py > tests/device/standin/signatures.json

The stored signatures let the tests run where CuPy is not installed. Where it is, a test compares.
"""

import contextlib
import inspect
import json
import re
import sys

MODULES = ("cupy", "cupy.linalg", "cupy.fft", "cupyx", "cupyx.scipy.ndimage")
#: Written in the documentation alone, as `name(arguments) -> result`.
BUILTIN = re.compile(r"^[\w.]*?(\w+)\((.*?)\)(?: *->.*)?\s*(?:\n|$)", re.S)
#: A parameter of a compiled method: `int axis=-1` is `axis=-1`.
TYPED = re.compile(r"\b(?:int|str|bool|tuple|Py_ssize_t|_ndarray_base|shape_t|strides_t) (?=\w)")


def harvest() -> dict:
    """Return what the installed packages offer: signatures, and the kind of all other names."""
    import cupy

    found: dict = {"versions": {"cupy": cupy.__version__}, "signatures": {}, "others": {}}
    for name in MODULES:
        module = __import__(name, fromlist=["_"])
        for member in sorted(dir(module)):
            if not member.startswith("_"):
                _add(found, f"{name}.{member}", getattr(module, member))
    for member in dir(cupy.ndarray):
        if not member.startswith("_"):
            _add(found, f"cupy.ndarray.{member}", getattr(cupy.ndarray, member))
    # Cython's own, of which Python sees no signature: `cupy/cuda/function.pyx`.
    found["signatures"]["cupy.cuda.Function.__call__"] = (
        "self, grid, block, args, shared_mem=0, stream=None, enable_cooperative_groups=False"
    )
    return found


def _add(found, name, member):
    kind = type(member).__name__
    if kind == "ufunc":
        found["signatures"][name] = _ufunc(member)
    elif not callable(member) or isinstance(member, type):
        found["others"][name] = kind
    else:
        try:
            text = _text(inspect.signature(member))
        except (TypeError, ValueError):
            text = _written(member)
        if text is None:
            found["others"][name] = kind
        else:
            found["signatures"][name] = text


def _ufunc(function):
    operands = ", ".join(f"x{i + 1}" for i in range(function.nin))
    return f"{operands}, /, out=None, *, casting='same_kind', dtype=None"


def _text(signature):
    """Return the parameters as in a definition; defaults that are no literals as None."""
    parameters = []
    for parameter in signature.parameters.values():
        default = parameter.default
        if default is not inspect.Parameter.empty and not _literal(default):
            default = None
        parameters.append(parameter.replace(default=default, annotation=inspect.Parameter.empty))
    plain = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return str(plain)[1:-1]


def _literal(value):
    if isinstance(value, tuple):
        return all(_literal(item) for item in value)
    return type(value) in (int, float, str, bool, type(None))


def _written(member):
    match = BUILTIN.match(member.__doc__ or "")
    return TYPED.sub("", match[2]) if match else None


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        answer = json.dumps(harvest(), indent=0, sort_keys=True)
    print(answer)

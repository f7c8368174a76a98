"""No kernel without a launch and a test, no operation without a twin on the device.

That tests really launch each kernel, and run each of its lines, is counted by `run.py`.
"""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import skyshed.kernels
from skyshed.kernels import OPERATIONS
from tests.device import kernel_files

TESTS = Path(__file__).parent / "kernels"
#: What works on bytes and pixels of the host's; docs/kernels.md says what each is for.
HOST_FOLDERS = {
    "file_rows", "finiteness", "hcompress", "neighbours", "painting", "rendering", "sep",
}  # fmt: skip
for module in pkgutil.iter_modules(skyshed.kernels.__path__):
    if module.ispkg:
        importlib.import_module(f"skyshed.kernels.{module.name}")


def strings(path):
    """Return the string constants of a Python file."""
    tree = ast.parse(path.read_text())
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def identifiers(path):
    """Return the names and attributes that a Python file uses, and the modules it imports from."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                found.add(name)
            case ast.ImportFrom(module=str(name)):
                found |= set(name.split("."))
    return found


@pytest.mark.parametrize("path", kernel_files.files(), ids=kernel_files.name)
def test_every_file_is_loaded_and_every_kernel_launched_by_a_twin(path):
    named = set().union(*map(strings, path.parent.glob("cuda*.py")))
    kernels = kernel_files.kernels(path)
    assert kernels
    assert path.name in named
    assert [kernel for kernel in kernels if kernel not in named] == []


@pytest.mark.parametrize("path", kernel_files.parts(), ids=kernel_files.name)
def test_every_kernel_is_read(path):
    """A declaration that is written in another way would be neither compiled apart nor counted."""
    assert path.read_text().count("__global__") == len(
        kernel_files.kernels(path) if path in kernel_files.files() else []
    )


@pytest.mark.parametrize("path", list(kernel_files.FOLDER.glob("*/*.cuh")), ids=kernel_files.name)
def test_every_part_belongs_to_a_file(path):
    assert any(f'#include "{path.name}"' in file.read_text() for file in path.parent.glob("*.cu"))


@pytest.mark.parametrize(
    "name", sorted(name for name in OPERATIONS if name.partition(".")[0] not in HOST_FOLDERS)
)
def test_every_operation_has_a_twin_and_a_test(name):
    folder, _, function = name.partition(".")
    defined = {
        node.name
        for path in (kernel_files.FOLDER / folder).glob("cuda*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    assert function in defined
    assert any({folder, function} <= identifiers(path) for path in TESTS.glob("test_*.py"))

"""Every operation of the kernels has a twin per device, with the contract's name and arguments."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import skyshed.kernels
from skyshed.kernels import OPERATIONS, operation, twin

KERNELS = Path(skyshed.kernels.__file__).parent
FOLDERS = sorted(
    module.name for module in pkgutil.iter_modules(skyshed.kernels.__path__) if module.ispkg
)
for folder in FOLDERS:
    importlib.import_module(f"skyshed.kernels.{folder}")
NAMES = sorted(OPERATIONS)


def test_every_folder_declares_an_operation():
    assert FOLDERS
    assert {name.partition(".")[0] for name in NAMES} == set(FOLDERS)


@pytest.mark.parametrize("name", NAMES)
def test_the_cpu_twin_has_the_contracts_name_and_arguments(name):
    contract = OPERATIONS[name]
    function = twin(contract, "cpu")
    assert function.__name__ == contract.__name__
    expected = inspect.signature(contract).parameters.values()
    actual = inspect.signature(function).parameters.values()
    assert [p.name for p in actual] == [p.name for p in expected]
    assert [p.default for p in actual] == [p.default for p in expected]
    assert [p.kind for p in actual] == [p.kind for p in expected]


CUDA = [name for name in NAMES if (KERNELS / name.partition(".")[0] / "cuda.py").exists()]


@pytest.mark.parametrize("name", CUDA)
def test_the_cuda_twin_has_the_contracts_name_and_arguments(name):
    """Read, not imported: CuPy may not be installed."""
    folder, _, function = name.partition(".")
    trees = [ast.parse(path.read_text()) for path in sorted((KERNELS / folder).glob("cuda*.py"))]
    found = [
        node
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    assert len(found) == 1
    arguments = found[0].args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    assert names == list(inspect.signature(OPERATIONS[name]).parameters)


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_says_every_argument_and_what_it_returns(name):
    contract = OPERATIONS[name]
    text = inspect.getdoc(contract)
    assert text
    described = _described_arguments(text)
    if described:  # a contract whose sentence names its arguments needs no list
        assert sorted(described) == sorted(inspect.signature(contract).parameters)
    assert "Returns\n-------" in text or "return" in text.lower()


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_says_every_type(name):
    """For type checkers, which leave twins alone."""
    signature = inspect.signature(OPERATIONS[name])
    kinds = [p.annotation for p in signature.parameters.values()] + [signature.return_annotation]
    assert inspect.Parameter.empty not in kinds


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_has_no_body_of_its_own(name):
    (node,) = ast.parse(inspect.getsource(OPERATIONS[name])).body
    assert all(
        isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) for part in node.body
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_public_name_of_the_folder_is_the_operation(name):
    folder, _, function = name.partition(".")
    module = importlib.import_module(f"skyshed.kernels.{folder}")
    assert function in module.__all__
    assert getattr(module, function).__wrapped__ is OPERATIONS[name]


def test_kernels_know_nothing_of_the_stages():
    """A kernel imports from skyshed nothing but kernels, exceptions and what stands below both."""
    for path in sorted(KERNELS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            else:
                continue
            for module in modules:
                own = module.partition(".")[0] == "skyshed"
                allowed = module.startswith((
                    "skyshed.kernels", "skyshed.cached", "skyshed.devices", "skyshed.exceptions",
                ))  # fmt: skip
                assert not own or allowed, f"{path.name} imports {module}"


def test_a_call_reaches_the_twin_with_its_arguments(monkeypatch):
    seen = {}

    def count(values, weight, *, offset):
        """Nothing: the twin counts."""

    def twin_of(contract, device):
        seen["device"] = device
        return lambda *args, **kwargs: seen.update(args=args, kwargs=kwargs) or 7

    monkeypatch.setattr("skyshed.kernels.OPERATIONS", {})
    monkeypatch.setattr("skyshed.kernels.twin", twin_of)
    assert operation(count)([1, 2], 3, offset=4) == 7
    assert seen == {"device": "cpu", "args": ([1, 2], 3), "kwargs": {"offset": 4}}


def _described_arguments(text):
    """The names listed in a numpydoc 'Parameters' section, in order."""
    lines = text.splitlines()
    if "Parameters" not in lines:
        return []
    begin = lines.index("Parameters") + 2
    end = next((i - 1 for i in range(begin, len(lines)) if lines[i].startswith("---")), len(lines))
    heads = [line for line in lines[begin:end] if line and not line.startswith(" ")]
    return [name.strip() for head in heads for name in head.partition(":")[0].split(",")]

"""Imports go down, nothing goes in circles, and private names stay in their package."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import skyshed

ROOT = Path(skyshed.__file__).parent

#: The floors, from the roof down; what stands on one floor does not import its neighbours, except
#: where a line below says so. A module or package belongs to the first that names it.
FLOORS = (
    ("__main__",),
    ("accel",),
    ("cli",),
    ("surveys", "quality"),
    ("extraction",),
    ("sextractor",),
    ("mosaic",),
    ("chain",),
    ("datasets",),
    ("output",),
    ("sep",),
    ("aperture",),
    ("finder", "multiscale"),
    ("catalog", "deblending"),
    ("detection",),
    ("filtering",),
    ("background", "convolution", "segmentation", "noise"),
    ("images",),
    ("frame", "sources", "plotting", "parameters", "shrinking"),
    ("flags",),
    ("arguments", "names", "notebook", "peers"),
    ("kernels",),
    ("namespace",),
    ("cached", "devices", "optional", "exceptions", "heap", "_typing"),
    ("messages", "log"),
    ("__init__",),
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}


def modules() -> dict[str, Path]:
    """Return every module of the package."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[tuple[str, str | None, int]]:
    """Yield module, name and line of what a file imports of skyshed, in functions too.

    What only type checkers see, and what is loaded by name for users, does not count.
    """
    tree = ast.parse(path.read_text())
    hidden = set()
    for node in ast.walk(tree):
        checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if checking:
            hidden |= {id(each) for inner in getattr(node, "body", []) for each in ast.walk(inner)}
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            hidden |= {id(each) for each in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("skyshed"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner, None, node.lineno) if inner in MODULES else (
                    node.module, alias.name, node.lineno,
                )  # fmt: skip
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("skyshed"):
                    yield alias.name, None, node.lineno


def room(module: str) -> str:
    """Return the package or module of skyshed that a module is in."""
    return module.split(".")[1] if "." in module else "__init__"


def test_every_module_has_a_floor():
    assert {room(module) for module in MODULES} <= set(FLOOR)


def test_no_import_goes_up_or_sideways():
    wrong = []
    for module, path in MODULES.items():
        if module == "skyshed":
            continue
        for target, _, line in imports(path):
            here, there = room(module), room(target)
            if here != there and FLOOR[there] <= FLOOR[here] and there != "__init__":
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {here} imports {there}")
    assert wrong == []


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return one circle of a graph, [] if there is none."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for target in sorted(graph.get(node, ())):
            circle = visit(target, [*path, node])
            if circle:
                return circle
        done.add(node)
        return []

    for start in sorted(graph):
        circle = visit(start, [])
        if circle:
            return circle
    return []


def test_no_file_imports_itself_through_others():
    graph = {
        module: {target for target, *_ in imports(path) if target != module}
        for module, path in MODULES.items()
        if path.name != "__init__.py"  # which gather the names of their packages
    }
    assert cycle(graph) == []


def test_no_package_imports_itself_through_others():
    graph: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        if module != "skyshed":
            rooms = {room(target) for target, *_ in imports(path)}
            graph.setdefault(room(module), set()).update(rooms - {room(module), "__init__"})
    assert cycle(graph) == []


def test_a_circle_would_be_seen():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_private_names_stay_in_their_package(module):
    for target, name, line in imports(MODULES[module]):
        private = (name or target.rpartition(".")[2]).startswith("_")
        known = target == "skyshed._typing" or name == "__version__"
        assert not private or known or room(target) == room(module), f"line {line}: {target}.{name}"

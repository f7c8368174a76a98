"""Which of photutils' tests reach for names that are not public, told from their source.

A test is private if it, a function of its module that it calls, a fixture it asks for or its
class's setup uses a name with a leading underscore, something imported from a module with one, or
looks into or replaces what a module, a class or an object has inside. Such tests check how
photutils is built, not what it does.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Source"]

#: What a private module lends to tests that check public behaviour: flags of what is installed,
#: and the scene of the batch tests.
HARMLESS = {
    "HAS_GWCS", "HAS_MATPLOTLIB", "HAS_RASTERIO", "HAS_REGIONS", "HAS_SHAPELY", "HAS_SKIMAGE",
    "make_batch_scene", "make_catalog", "compute_pixel_to_sky_jacobians", "nanmean",
}  # fmt: skip
#: Methods that pytest calls before each test of a class.
SETUPS = ("setup_method", "setup_class", "setup")


class Source:
    """The functions of one test module, and what each of them reaches for.

    Parameters
    ----------
    path : Path
        The module's file.
    """

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text())
        self.functions: dict[str, ast.AST] = {}
        self.imported: set[str] = set()
        self.modules: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.FunctionDef):
                        self.functions[f"{node.name}.{each.name}"] = each
            elif isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.Assign):
                # A constant of the module, which may be made of private names.
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.functions[target.id] = node
        for node in ast.walk(tree):
            self._read_import(node)

    def _read_import(self, node: ast.AST) -> None:
        """Note the private names and the modules of photutils that an import brings."""
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("photutils"):
            private = any(part.startswith("_") for part in node.module.split("."))
            for alias in node.names:
                name = alias.asname or alias.name
                if (private or alias.name.startswith("_")) and alias.name not in HARMLESS:
                    self.imported.add(name)
                if alias.name in ("catalog", "core", "deblend", "detect", "finder"):
                    self.modules.add(name)
        elif isinstance(node, ast.Import):
            self.modules |= {a.asname for a in node.names if "photutils." in a.name and a.asname}

    def reaches_for(self, test: str, seen: set[str] | None = None) -> str | None:
        """Return the first private name ``test`` ("name" or "Class.name") uses, or None."""
        seen = set() if seen is None else seen
        if test in seen or test not in self.functions:
            return None
        seen.add(test)
        node = self.functions[test]
        owner = test.rpartition(".")[0]
        for name in self._own(node):
            return name
        for name in [*self._used(node), *(SETUPS if owner else ())]:
            for place in (f"{owner}.{name}" if owner else name, name):
                found = self.reaches_for(place, seen)
                if found:
                    return found
        return None

    def body(self, test: str) -> str:
        """Return the text of ``test``, without what it calls."""
        return ast.unparse(self.functions[test])

    def _own(self, node: ast.AST) -> Iterator[str]:
        """Yield the private names in the function's own text."""
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.imported:
                yield part.id
            elif isinstance(part, ast.Attribute) and part.attr == "__dict__":
                yield ast.unparse(part)
            elif isinstance(part, ast.Attribute) and self._private(part.attr):
                if not self._is_helper(part):
                    yield part.attr
            elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                if self._private(part.value.rpartition(".")[2]) and part.value.isascii():
                    yield part.value
            elif isinstance(part, ast.Call):
                yield from self._replaced(part)
            elif isinstance(part, ast.Assign):
                yield from self._planted(part)

    def _is_helper(self, part: ast.Attribute) -> bool:
        """Whether ``self._name`` is a method of the test class itself."""
        mine = isinstance(part.value, ast.Name) and part.value.id in ("self", "cls")
        return mine and any(f.endswith(f".{part.attr}") for f in self.functions)

    def _replaced(self, call: ast.Call) -> Iterator[str]:
        """Yield what ``monkeypatch.setattr(module, "name", ...)`` or ``patch.object`` replaces."""
        if ast.unparse(call.func) == "patch.object":
            yield f"patch.object({ast.unparse(call.args[0])}, ...)"
        if not (isinstance(call.func, ast.Attribute) and call.func.attr == "setattr"):
            return
        target = call.args[0] if call.args else None
        if isinstance(target, ast.Name) and target.id in self.modules | {"core_mod"}:
            yield f"setattr({target.id}, ...)"

    @staticmethod
    def _planted(assignment: ast.Assign) -> Iterator[str]:
        """Yield the value that ``something.__dict__["name"] = ...`` plants in an object."""
        for target in assignment.targets:
            inside = isinstance(target, ast.Subscript) and isinstance(target.value, ast.Attribute)
            if inside and target.value.attr == "__dict__":  # type: ignore[attr-defined]
                yield ast.unparse(target)

    @staticmethod
    def _private(name: str) -> bool:
        return name.isidentifier() and name.startswith("_") and not name.endswith("_")

    @staticmethod
    def _used(node: ast.AST) -> list[str]:
        """Return the functions, constants and fixtures that a function names."""
        names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
        names += [part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)]
        if isinstance(node, ast.FunctionDef):
            names += [argument.arg for argument in node.args.args + node.args.kwonlyargs]
        return list(dict.fromkeys(names))

"""Kernels within kernels: optimised and made machine code of only as parts of what Python calls.

By itself Numba optimises every function, makes machine code of it and of two wrappers, and then
optimises it again within each of its callers, and within theirs: a third of the time that the
chain's kernels took to compile. Here a kernel that is called by another is lowered, once for each
signature, and no more. Its code is linked into the kernel that Python calls, and optimised there.
"""

import functools
from typing import Any

from numba.core import sigutils, types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher

__all__ = ["Kernel"]


class _PartLibrary(JITCodeLibrary):
    """The code of a part, tidied function by function (which is cheap) and no more."""

    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True


class _PartCompiler(Compiler):
    """Lowers a part: no wrappers, no machine code."""

    def define_pipelines(self) -> Any:
        state = self.state
        state.flags.no_compile = True
        state.library = _PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        return super().define_pipelines()


class _Part(CPUDispatcher):
    """A kernel as other kernels call it."""

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Take constants for what they are of: there is no signature for each of them."""
        args = [types.unliteral(each) for each in args]
        return super().get_call_template(
            args, {name: types.unliteral(each) for name, each in kws.items()}
        )

    def add_overload(self, cres: Any) -> None:
        # There is no machine code to go by: callers know a part by its library. They link what it
        # calls themselves, once, whoever calls it.
        own = cres.library
        self.targetctx.insert_user_function(own, cres.fndesc, [own, *own._linking_libraries])
        self.overloads[tuple(cres.signature.args)] = cres

    def get_overload(self, sig: Any) -> Any:
        found: Any = self.overloads[tuple(sigutils.normalize_signature(sig)[0])]
        return found.library


class Kernel(CPUDispatcher):
    """A kernel: as Python calls it, and as the part that other kernels hold."""

    def __init__(self, py_func: Any, locals: Any = None, targetoptions: Any = None) -> None:
        super().__init__(py_func, locals, {**(targetoptions or {}), "no_cfunc_wrapper": True})

    @functools.cached_property
    def part(self) -> _Part:
        """The kernel as others call it, made when one of them is compiled."""
        options = {**self.targetoptions, "no_cpython_wrapper": True}
        return _Part(self.py_func, self.locals, options, pipeline_class=_PartCompiler)

    @property
    def _numba_type_(self) -> Any:
        return types.Dispatcher(self.part)

    def add_overload(self, cres: Any) -> None:
        """Tell the parts' code where their environments are, as Numba does for a loaded kernel."""
        for environment in cres._find_referenced_environments():
            cres.codegen.set_env(environment.env_name, environment)
        super().add_overload(cres)

"""Properties are computed once, and no thread or process waits for another object's."""

import ast
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import skyshed
from skyshed.cached import cached_property


class Counted:
    """Something whose value counts how often it was computed."""

    def __init__(self, before=lambda: None):
        self.n, self._before = 0, before

    @cached_property
    def value(self):
        """What it is."""
        self._before()
        self.n += 1
        return object()


def test_a_value_is_computed_once_and_can_be_let_go():
    one = Counted()
    assert one.value is one.value
    assert one.n == 1
    del one.value
    assert one.value is not None
    assert one.n == 2
    assert Counted.value.__doc__ == "What it is."


def test_two_objects_do_not_wait_for_each_other():
    """Each waits for the other to be computed at the same time: one lock for both would not end."""
    together = threading.Barrier(2, timeout=20)
    with ThreadPoolExecutor(2) as pool:
        values = list(pool.map(lambda each: each.value, [Counted(together.wait) for _ in range(2)]))
    assert values[0] is not values[1]


def test_two_threads_get_a_value_of_one_object_at_the_same_time():
    one = Counted(threading.Barrier(2, timeout=20).wait)
    with ThreadPoolExecutor(2) as pool:
        values = list(pool.map(lambda _: one.value, range(2)))
    assert one.value in values


def test_no_property_has_the_lock_of_python_3_11():
    for path in Path(skyshed.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "functools":
                taken = [alias.name for alias in node.names]
                assert "cached_property" not in taken or path.name == "cached.py", path
            for decorator in getattr(node, "decorator_list", []):
                assert ast.unparse(decorator) != "functools.cached_property", path

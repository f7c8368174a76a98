"""Every public report has a test that runs: the table of them is true."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.images.findings import FINDINGS

ROOT = Path(__file__).parents[2]
#: How many reports there are.
REPORTS = 65


@cache
def functions_of(path):
    """Return the tests of a file: their names, and the nodes of their functions."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_report_is_in_the_table():
    assert list(FINDINGS) == list(range(1, REPORTS + 1))


@pytest.mark.parametrize("number", FINDINGS)
def test_a_report_is_held_by_tests_that_run_and_can_fail(number):
    about, tests = FINDINGS[number]
    assert about
    assert tests
    for each in tests:
        path, _, name = each.partition("::")
        assert name in functions_of(path), each
        node = functions_of(path)[name]
        marks = [ast.unparse(mark) for mark in node.decorator_list]
        assert not [mark for mark in marks if "skip" in mark or "xfail" in mark or "slow" in mark]
        # It asserts something, or a helper of its file does.
        said = ast.unparse(node)
        called = {
            call.func.id for call in ast.walk(node)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        }  # fmt: skip
        helpers = [
            ast.unparse(functions_of(path)[each]) for each in called & set(functions_of(path))
        ]
        imported = {"assert_same", "same_both_ways", "check"} & called
        assert imported or any("assert" in text or "pytest." in text for text in (said, *helpers))

"""What may be given: the names and choices of `Parameters`, for type checkers and editors."""

import dataclasses
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from skyshed import Parameters
from skyshed.names import KEYWORDS
from skyshed.parameters.overrides import Overrides
from skyshed.parameters.validators import Choice, Optional

FIELDS = {each.name: each for each in dataclasses.fields(Parameters)}
GIVEN = get_type_hints(Overrides)
TAKEN = get_type_hints(Parameters)


def alternatives(kind):
    """Return the types of a union, or the type alone."""
    return set(get_args(kind)) if get_origin(kind) in (UnionType, Union) else {kind}


def test_every_parameter_may_be_given_under_either_name():
    aliases = {alias for alias, name in KEYWORDS.items() if name in FIELDS}
    assert set(GIVEN) == set(FIELDS) | aliases


@pytest.mark.parametrize("name", GIVEN)
def test_an_alias_takes_what_its_name_takes(name):
    assert GIVEN[name] == GIVEN[KEYWORDS.get(name, name)]


@pytest.mark.parametrize("name", FIELDS)
def test_none_may_be_given_where_it_is_a_value(name):
    given = alternatives(GIVEN[name])
    assert Any in given or (NoneType in given) == (NoneType in alternatives(TAKEN[name]))


@pytest.mark.parametrize("name", FIELDS)
def test_choices_are_those_that_are_checked(name):
    kind = FIELDS[name].metadata["kind"]
    kind = kind.kind if isinstance(kind, Optional) else kind
    named = [each for each in alternatives(GIVEN[name]) if get_origin(each) is Literal]
    choices = [get_args(each) for each in named]
    assert choices == ([kind.options] if isinstance(kind, Choice) else [])

"""Of what photutils' tests ask, its deprecation warning is waived, and nothing else."""

import ast
import warnings

import pytest

from tests.drop_in.waiver import expects, waive


class PhotutilsDeprecationWarning(Warning):
    """Stands in for photutils', which 3.0 has not."""


warns = waive(pytest.warns, PhotutilsDeprecationWarning)


def test_the_warning_may_be_left_out_or_raised():
    with warns(PhotutilsDeprecationWarning, match="old"):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with warns((PhotutilsDeprecationWarning, FutureWarning), match="old"):
            warnings.warn("old name", PhotutilsDeprecationWarning, stacklevel=1)
            warnings.warn("old name", FutureWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("text", "category"),
    [("old name", UserWarning), ("another", PhotutilsDeprecationWarning)],
)
def test_any_other_warning_is_passed_on(text, category):
    with pytest.warns(category, match=text):  # noqa: SIM117 - one is the subject
        with warns(PhotutilsDeprecationWarning, match="old"):
            warnings.warn(text, category, stacklevel=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(category, match=text), warns(PhotutilsDeprecationWarning, match="old"):
            warnings.warn(text, category, stacklevel=1)


def test_exceptions_come_through():
    with pytest.raises(KeyError, match="name"), warns(PhotutilsDeprecationWarning):
        raise KeyError("name")
    with pytest.raises(pytest.fail.Exception), warns(PhotutilsDeprecationWarning):
        pytest.fail("for another reason")


def test_other_demands_stand():
    with pytest.raises(pytest.fail.Exception, match="DID NOT WARN"), warns(UserWarning):
        pass
    with warns(UserWarning, match="new") as record:
        warnings.warn("new name", UserWarning, stacklevel=1)
    assert len(record) == 1


def test_the_record_has_what_was_raised_and_no_more():
    with warns(PhotutilsDeprecationWarning, match="old") as record:
        warnings.warn("old name", PhotutilsDeprecationWarning, stacklevel=1)
        warnings.warn("old place", PhotutilsDeprecationWarning, stacklevel=1)
    assert [str(each.message) for each in record] == ["old name", "old place"]
    with warns(PhotutilsDeprecationWarning) as record:
        pass
    assert len(record) == 0


def test_tests_that_expect_the_warning_are_told_from_their_source():
    test = "with pytest.warns({}, match='old') as record:\n    pass"
    for demand in ("PhotutilsDeprecationWarning", "(UserWarning, PhotutilsDeprecationWarning)"):
        assert expects(ast.parse(test.format(demand)))
    assert not expects(ast.parse(test.format("UserWarning")))
    assert not expects(ast.parse("from exceptions import PhotutilsDeprecationWarning"))

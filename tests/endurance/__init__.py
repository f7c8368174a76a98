"""The long runs: `ci/endurance`, or `python -m tests.endurance --state FILE [NAME...]`.

A run that was stopped goes on where it was; the table of figures is printed at the end.
"""

"""The test suites of programs that use photutils, run on photutils and on skyshed."""

"""photutils' own tests, run with skyshed's names in place of photutils'."""

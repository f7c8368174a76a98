"""The first ten minutes on a machine with a GPU: what works, and what it takes."""

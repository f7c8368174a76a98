"""``python -m skyshed``."""

from skyshed.cli import command

if __name__ == "__main__":
    command()

"""``python -m foule``: the same as the command ``foule``."""

from foule.cli import main

if __name__ == "__main__":
    main(prog_name="foule")

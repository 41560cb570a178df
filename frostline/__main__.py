"""`python -m frostline`, and the entry point of the command `frostline`."""

import sys


def console_script() -> None:
    """Run the command in this process, which is its own. Nothing heavy is imported before the process is prepared."""
    from frostline.process import prepare

    prepare()
    from frostline.cli import main

    sys.exit(main())


if __name__ == "__main__":
    console_script()

"""`python -m distaff` is the command `distaff`, and like that searches the current folder for no module."""

import os
import sys

if __name__ == "__main__":
    # Python searches it first, and there may stand a file of a stranger under the name of a library.
    if not sys.flags.safe_path and os.path.realpath(sys.path[0] or os.curdir) == os.path.realpath(os.curdir):
        del sys.path[0]

    from distaff.cli import main

    main()

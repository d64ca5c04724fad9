"""`python -m convdiag_lint`."""

import sys

from convdiag_lint.cli import main

if __name__ == "__main__":
    sys.exit(main())

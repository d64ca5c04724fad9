"""`python -m runtime_probe` is the command `convdiag-probe`."""

import sys

from runtime_probe.cli import main

sys.exit(main())

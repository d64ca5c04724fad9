"""Runs first in every Python process below the probe: its folder leads PYTHONPATH.

Standard library only, and nothing that goes wrong here may disturb the user's program.
"""

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
SERVED = ("runtime_probe", "convdiag_lint")


class ServedFinder:
    """Finds the probe's two packages, and nothing else of the environment that it is installed in."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """Return the spec of one of the two packages; their modules are found as usual."""
        return PathFinder.find_spec(name, [ROOT]) if path is None and name in SERVED else None


def enter():
    """Put the guard and the tap in place, if a probe is above this process."""
    if "CONVDIAG_PROBE" not in os.environ or sys.version_info < (3, 10):
        return
    sys.meta_path.insert(0, ServedFinder)
    try:
        import_module("runtime_probe.launch.child").enter()
    except Exception as error:
        # The user's program goes on without us; a record that is missing is reported by the probe.
        if os.environ.get("CONVDIAG_DEBUG"):
            sys.stderr.write("convdiag-probe: %r\n" % (error,))


def chain():
    """Run the sitecustomize that Python would have found without us."""
    ours = sys.modules[__name__]
    spec = PathFinder.find_spec("sitecustomize", [path for path in sys.path if os.path.abspath(path or ".") != HERE])
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules[__name__] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules[__name__] = ours
        raise


enter()
if __name__ == "sitecustomize":
    chain()

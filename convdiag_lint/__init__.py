"""Static half of convdiag: reads training code and says what will keep it from converging.

Nothing in this package imports torch, and nothing in it runs the code that it reads.
"""

__version__ = "0.1.0"

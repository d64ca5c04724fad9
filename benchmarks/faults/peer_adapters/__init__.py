"""One adapter for each peer: what its documentation tells its users to write, as calls from a program."""

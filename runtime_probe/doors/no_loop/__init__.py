"""The probe for a file with a model and a loss, but without a loop: the rest is guessed, and said."""

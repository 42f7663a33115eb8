"""Milliseconds on this machine: things timed in turns, and tables made of that."""

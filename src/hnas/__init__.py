"""Super-resolution networks that fit a budget: searched, trained, measured and run."""

__version__ = "0.1.0"

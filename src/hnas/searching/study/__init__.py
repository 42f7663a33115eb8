"""Strategies compared at an equal number of evaluations."""

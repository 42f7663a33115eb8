"""Independent pieces of work, done by whoever is free: this process, several on this host, or a Ray cluster."""

from hnas.workers.engine import Engine, Workers, open_workers

__all__ = ["Engine", "Workers", "open_workers"]

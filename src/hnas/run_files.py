"""What the files of a run's folder are called (docs/formats.md)."""

from __future__ import annotations

CONFIG = "config.yaml"
LOG = "log.jsonl"
CANDIDATES = "candidates.jsonl"
GENOTYPE = "genotype.json"
WEIGHTS = "weights.safetensors"
LATENCY = "latency.json"
REPORT = "report.html"
CHECKPOINT = "checkpoint"
SCORES = "scores"

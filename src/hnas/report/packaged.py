"""The templates that come with the package."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from hnas.report.charts import number


def templates() -> Environment:
    """The packaged templates."""
    environment = Environment(
        loader=PackageLoader("hnas.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment

"""mkdocs hook: a page for each command, from the functions behind them; the page that enlarges in a browser."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from cyclopts.docs.markdown import generate_markdown_docs
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from hnas.cli.main import COMMANDS, command
from hnas.deploy.web.graphs import graphs_of
from hnas.deploy.web.packages import PACKAGES, package_files
from hnas.deploy.web.site import write_site
from hnas.errors import HnasError

#: The models of the page, and its folder in the site.
MODELS, PAGE = ("fast-x2", "best-x2"), "web"
_LOG = logging.getLogger("mkdocs.hnas")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Lists the pages below "Commands" in the navigation."""
    pages = [{name: f"commands/{name}.md"} for name in sorted(COMMANDS)]
    config.nav = [{"Commands": ["commands.md", *pages]} if "Commands" in entry else entry for entry in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds commands.md, commands/<name>.md and try.md."""
    rows = "\n".join(f"| [`hnas {name}`](commands/{name}.md) | {line} |" for name, line in COMMANDS.items())
    overview = f"# Commands\n\n| command | what it does |\n|---|---|\n{rows}\n"
    files.append(File.generated(config, "commands.md", content=overview))
    for name in COMMANDS:
        text = generate_markdown_docs(command(name), heading_level=1, usage_name=f"hnas {name}")
        files.append(File.generated(config, f"commands/{name}.md", content=text))
    files.append(File.generated(config, "try.md", content=_try()))
    return files


def on_post_build(config: MkDocsConfig) -> None:
    """Writes the page where what it takes is at hand."""
    if _has_page():
        with graphs_of(MODELS) as graphs:
            write_site(graphs, Path(config.site_dir) / PAGE)


def _has_page() -> bool:
    """Whether the page comes with the documentation: asked for (``make docs`` does), and its packages can be had."""
    if not os.environ.get("DOCS_PAGE"):
        return False
    try:
        for package in PACKAGES:
            package_files(package)
    except HnasError as error:
        _LOG.info("without the page in the browser: %s", error)
        return False
    return True


def _try() -> str:
    link = f"""<a class="md-button md-button--primary" href="../{PAGE}/">Enlarge a picture here</a>

in your own browser: nothing is sent anywhere."""
    without = """This copy of the documentation was built without the page.
`hnas export fast-x2 best-x2 --format web -o site` makes one."""
    more = "How it works, and how to make one of your own: [Enlarge pictures](enlarge.md#in-the-browser)."
    return f"# In the browser\n\n{link if _has_page() else without}\n\n{more}\n"

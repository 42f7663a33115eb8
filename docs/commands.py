"""mkdocs hook: one page per command, generated from the functions behind the command line."""

from __future__ import annotations

from cyclopts.docs.markdown import generate_markdown_docs
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from hnas.cli.main import COMMANDS, command


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Lists the pages below "Commands" in the navigation."""
    pages = [{name: f"commands/{name}.md"} for name in sorted(COMMANDS)]
    config.nav = [{"Commands": ["commands.md", *pages]} if "Commands" in entry else entry for entry in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds commands.md and commands/<name>.md."""
    rows = "\n".join(f"| [`hnas {name}`](commands/{name}.md) | {line} |" for name, line in COMMANDS.items())
    overview = f"# Commands\n\n| command | what it does |\n|---|---|\n{rows}\n"
    files.append(File.generated(config, "commands.md", content=overview))
    for name in COMMANDS:
        text = generate_markdown_docs(command(name), heading_level=1, usage_name=f"hnas {name}")
        files.append(File.generated(config, f"commands/{name}.md", content=text))
    return files

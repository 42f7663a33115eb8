"""mkdocs hook: one page per command, generated from the functions behind the command line."""

from __future__ import annotations

from cyclopts.docs.markdown import generate_markdown_docs
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from hnas.cli.main import COMMANDS, app


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds commands.md and commands/<name>.md."""
    rows = "\n".join(f"| [`hnas {name}`](commands/{name}.md) | {line} |" for name, line in COMMANDS.items())
    overview = f"# Commands\n\n| command | what it does |\n|---|---|\n{rows}\n"
    files.append(File.generated(config, "commands.md", content=overview))
    for name in COMMANDS:
        app[name].help = None  # the docstring, which says more than the line above
        text = generate_markdown_docs(app[name], usage_name=f"hnas {name}")
        files.append(File.generated(config, f"commands/{name}.md", content=text))
    return files

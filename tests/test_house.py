"""The order of the rooms: a room imports only rooms to its left, and what is heavy is imported only when needed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hnas

PACKAGE = Path(hnas.__file__).parent
ROOMS = (
    *("space", "nets", "data", "weights", "evaluation", "training", "searching", "deploy"),
    *("bench", "chain_bench", "report", "cli"),
)
#: Modules beside the rooms, which every room may import, and which import no room themselves.
FREE = ("bounds", "errors", "files", "memory", "ranking", "settings")


def _imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Dotted names that a file imports, each with whether it is imported at import time (not inside a function)."""

    def visit(node: ast.AST, at_import: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.body:
                yield from visit(child, at_import=False)
            for child in node.orelse:
                yield from visit(child, at_import)
            return
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_import) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; the project imports by full names"
            module = node.module or ""
            yield module, at_import
            yield from ((f"{module}.{alias.name}", at_import) for alias in node.names)
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, at_import and not inside)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), at_import=True)


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _sources(room: str) -> list[Path]:
    module = PACKAGE / f"{room}.py"
    return [module] if module.is_file() else sorted((PACKAGE / room).rglob("*.py"))


def test_every_file_is_in_a_room() -> None:
    known = {*ROOMS, *FREE, "__init__", "__main__"}
    assert {_room(path) for path in PACKAGE.rglob("*.py")} <= known


@pytest.mark.parametrize("room", [*FREE, *ROOMS])
def test_a_room_imports_only_rooms_to_its_left(room: str) -> None:
    allowed = {*FREE} if room in FREE else {*FREE, *ROOMS[: ROOMS.index(room) + 1]}
    for path in _sources(room):
        for name, _ in _imported(path):
            parts = name.split(".")
            # `from hnas import __version__` names no room.
            if parts[0] == "hnas" and len(parts) > 1 and parts[1] in {*ROOMS, *FREE}:
                assert parts[1] in allowed, f"{path.relative_to(PACKAGE)} imports {name}"


def test_space_never_imports_torch() -> None:
    for path in _sources("space"):
        names = [
            name for name, _ in _imported(path) if name.split(".")[0] in {"torch", "lightning", "lightning_fabric"}
        ]
        assert not names, f"{path.relative_to(PACKAGE)} imports {names}"


@pytest.mark.parametrize("statement", ["import hnas", "import hnas.space", "import hnas.cli.main"])
def test_importing_it_does_not_import_what_is_heavy(statement: str) -> None:
    script = f"import json, sys; {statement}; print(json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    )
    assert "hnas" in loaded
    assert not set(loaded) & {"torch", "skimage", "matplotlib", "lightning_fabric", "scipy", "pooch", "PIL"}

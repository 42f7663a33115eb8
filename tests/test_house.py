"""The order of the rooms: a room imports only rooms to its left, and what is heavy is imported only when needed.

What belongs to one space of networks is known to that space and to the registries.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import hnas
from hnas import run_files
from hnas.extras import EXTRAS
from hnas.space import KINDS

PACKAGE = Path(hnas.__file__).parent
ROOMS = (
    *("space", "nets", "data", "weights", "evaluation", "workers", "training", "deploy", "searching", "zoo"),
    *("step_times", "chain_step_times", "drawing", "conformance", "report", "cli"),
)
#: Modules beside the rooms, which every room may import, and which import no room themselves.
FREE = (
    *("around", "bounds", "brightness", "bundled", "description", "errors", "extras", "files"),
    *("launched", "machine", "memory"),
    *("ranking", "registry", "run_files", "settings", "torch_files", "typed", "values", "views"),
)


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


#: The rooms within ``deploy``, in the same order.
DEPLOY = ("pictures", "running", "export", "share", "enlarge", "video", "web", "timing", "design")


def test_the_rooms_of_deploy_import_only_those_to_their_left() -> None:
    assert {path.name for path in (PACKAGE / "deploy").iterdir() if path.name != "__pycache__"} == {
        *DEPLOY,
        "__init__.py",
    }
    for at, room in enumerate(DEPLOY):
        for path in _sources(f"deploy/{room}"):
            for name, _ in _imported(path):
                parts = name.split(".")
                if parts[:2] == ["hnas", "deploy"] and len(parts) > 2:
                    assert parts[2] in DEPLOY[: at + 1], f"{path.relative_to(PACKAGE)} imports {name}"


def test_the_row_of_rooms_is_the_documented_one() -> None:
    design = (Path(__file__).parents[1] / "docs" / "design.md").read_text(encoding="utf-8")
    rows = re.findall(r"^space(?: -> \w+)+$", design, re.MULTILINE)
    assert [row.split(" -> ") for row in rows] == [
        [room for room in ROOMS if room not in ("step_times", "chain_step_times")]
    ]
    rooms = re.findall(r"^\| `(\w+)` \|", design, re.MULTILINE)
    assert rooms == rows[0].split(" -> ")
    free = design.partition("Small modules are free to all: ")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"`(\w+)`\s\(", free)) == FREE


#: Modules that belong to one space, and those inside them.
OWN = (
    *("hnas.space.cells", "hnas.space.chain", "hnas.nets.chain", "hnas.drawing.cells", "hnas.drawing.chain"),
    *(
        f"hnas.nets.{name}"
        for name in (
            *("network", "supernet", "cell", "operations", "depthwise"),
            *("cost", "expected_cost", "receptive_field", "trim", "cell_parts"),
        )
    ),
)
#: What else names one space, file by file: these names, no more and no fewer.
EXCEPTIONS: dict[str, set[str]] = {
    # What other packages add to one space.
    "__init__.py": {"register_block", "register_operation"},
    # The registries.
    "space/kinds.py": {"cells", "chain"},
    "drawing/layouts.py": {"cells", "chain"},
    "nets/families.py": {
        *("CellGenotype", "CellSpace", "Network", "NetworkSettings", "Supernet", "SupernetSettings", "Norm", "Sharing"),
        *("network_cost", "expected_network_cost", "cell_parts"),
        *("ChainGenotype", "ChainSpace", "ChainNetwork", "ChainSupernet", "chain_cost", "chain_parts"),
        "expected_chain_cost",
    },
    # What the room hands on, and how weights files are read back.
    "nets/__init__.py": {
        *("Network", "NetworkSettings", "Supernet", "SupernetSettings", "network_cost", "read_description"),
        *("set_fast_depthwise", "read_chain_description", "ChainNetwork", "chain_cost"),
    },
    # What a network of any kind may be given, of which a chain has the scale alone.
    "space/options.py": {"Norm"},
    # Table II of the paper is about its space.
    "zoo/table_two.py": {"CellGenotype", "NAMED_GENOTYPES", "Network", "NetworkSettings"},
    "zoo/comparison.py": {"CellGenotype", "CellSpace", "Network", "network_cost"},
    # Its row of plain RCABs has the very block that the paper's space has.
    "nets/peers/residual_cells.py": {"ResidualChannelAttention"},
    # Tiles of a picture: every cell sees only as much of the margin as it needs.
    "deploy/running/torch_backend.py": {"Trim", "trimmed"},
    "deploy/running/simplify.py": {"Trim"},
    # Defaults of --normal-operations and --upsampling-operations.
    "searching/settings/space.py": {"NORMAL_OPERATIONS", "UPSAMPLING_OPERATIONS"},
    # What the operations of cells promise.
    "conformance/operations.py": {
        *("OPERATIONS", "Cell", "CellGenotype", "CellKind", "CellSpace", "Edge", "Norm", "operation_of"),
        *("Network", "NetworkSettings", "Supernet", "SupernetSettings", "network_cost"),
    },
    # What the benchmark of this package times.
    "step_times.py": {"NAMED_GENOTYPES", "Network", "NetworkSettings", "set_fast_depthwise"},
}


def _owned(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in OWN)


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(("hnas", *(part for part in parts if part != "__init__")))


def _names_taken(path: Path, handed_on: dict[str, str]) -> set[str]:
    """What a file imports from modules of one space, also by way of packages that hand it on."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if _owned(alias.name)}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                name = handed_on.get(name, name)
                if _owned(name):
                    found.add(name.rsplit(".", 1)[1])
    return found


def _handed_on(package: str) -> dict[str, str]:
    """Names that a package imports for others, each with where it comes from."""
    tree = ast.parse((PACKAGE / package / "__init__.py").read_text(encoding="utf-8"))
    return {
        f"hnas.{package}.{alias.name}": f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_nothing_outside_a_space_names_it() -> None:
    """What searches, trains, reports and ships knows a space by its entries in the registries alone."""
    handed_on = _handed_on("nets") | _handed_on("space")
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if not _owned(_module(path)) and (names := _names_taken(path, handed_on)):
            found[path.relative_to(PACKAGE).as_posix()] = names
    assert found == EXCEPTIONS


def test_nothing_outside_a_space_asks_which_one_it_is() -> None:
    """No isinstance of one space's genotype, and no comparison with a space's name: registries are looked up."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if _owned(_module(path)):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
                classes = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
                classes |= {part.attr for part in ast.walk(node.args[1]) if isinstance(part, ast.Attribute)}
                assert not classes & {"CellGenotype", "ChainGenotype", "CellSpace", "ChainSpace"}, where
            if isinstance(node, ast.Compare | ast.MatchValue):
                words = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
                assert not words & set(KINDS), where


def test_nothing_that_ships_a_model_asks_which_network_it_is() -> None:
    """No isinstance of a network: a model says what it is (hnas/nets/model.py)."""
    for path in _sources("deploy"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
                names = {ast.unparse(part) for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
                wrong = {name for name in names if name.endswith(("Network", "Chain"))}
                assert not wrong, f"{path.relative_to(PACKAGE)}:{node.lineno} asks for {wrong}"


def test_names_of_a_runs_files_stand_in_one_place() -> None:
    """No other file has one of them as a text of its own; the folder that `hnas design` writes is no run."""
    names = {value for name, value in vars(run_files).items() if name.isupper() and "." in value}
    assert "log.jsonl" in names
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.stem in ("run_files", "hand_over"):
            continue
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        found = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)} & names
        assert not found, f"{path.relative_to(PACKAGE)} spells {found}; hnas/run_files.py has it"


@pytest.mark.parametrize("room", ["space", "drawing"])
def test_a_room_without_torch(room: str) -> None:
    for path in _sources(room):
        names = [
            name for name, _ in _imported(path) if name.split(".")[0] in {"torch", "lightning", "lightning_fabric"}
        ]
        assert not names, f"{path.relative_to(PACKAGE)} imports {names}"


#: What `pip install hnas-sr` brings, as it is imported.
ALWAYS_THERE = {
    *("onnxruntime", "numpy", "PIL", "cyclopts", "rich", "yaml", "jinja2", "markupsafe", "psutil", "threadpoolctl"),
}


def test_every_other_package_belongs_to_an_extra() -> None:
    known = {*sys.stdlib_module_names, *ALWAYS_THERE, *EXTRAS, "hnas"}
    for path in sorted(PACKAGE.rglob("*.py")):
        names = {name.partition(".")[0] for name, _ in _imported(path)}
        assert names <= known, f"{path.relative_to(PACKAGE)}: no extra in hnas/extras.py brings {names - known}"


def test_every_extra_that_is_named_exists() -> None:
    with (Path(__file__).parents[1] / "pyproject.toml").open("rb") as stream:
        project = tomllib.load(stream)["project"]
    assert set(EXTRAS.values()) <= project["optional-dependencies"].keys()
    assert len(project["dependencies"]) == len(ALWAYS_THERE - {"markupsafe"})  # which comes with jinja2


@pytest.mark.parametrize(
    "statement",
    [
        *("import hnas", "import hnas.space", "import hnas.cli.main"),
        "import hnas.deploy.design.within_limits, hnas.deploy.design.hand_over, hnas.cli.design, hnas.cli.design_view",
        "import hnas.deploy.running.backends, hnas.deploy.enlarge.tiling, hnas.deploy.enlarge.opacity",
        "import hnas.report.design, hnas.drawing.writing",
    ],
)
def test_importing_it_does_not_import_what_is_heavy(statement: str) -> None:
    script = f"import json, sys; {statement}; print(json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    )
    assert "hnas" in loaded
    assert not set(loaded) & {"torch", "matplotlib", "lightning_fabric", "scipy", "requests", "PIL"}


def test_what_the_source_archive_holds_exists() -> None:
    root = Path(__file__).parents[1]
    with (root / "pyproject.toml").open("rb") as stream:
        held = tomllib.load(stream)["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert not [path for path in held if not (root / path.strip("/")).exists()]
    assert {"/zoo", "/bench", "/CITATION.cff"} <= set(held)

"""The written rules of docs/design.md, read off the source: what a room never does, and what holds everywhere."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_house import PACKAGE, _imported, _sources


def _nodes(path: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _calls() -> Iterator[tuple[str, str, ast.Call]]:
    """File, what is called, and the call, of every call in the package, but in the tests that it brings."""
    for path in sorted(set(PACKAGE.rglob("*.py")) - set(_sources("conformance"))):
        for node in _nodes(path):
            if isinstance(node, ast.Call):
                yield path.relative_to(PACKAGE).as_posix(), ast.unparse(node.func), node


def _classes() -> Iterator[tuple[str, ast.ClassDef]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in _nodes(path):
            if isinstance(node, ast.ClassDef):
                yield path.relative_to(PACKAGE).as_posix(), node


#: What a room never does, as the modules that doing it takes.
NEVER = {
    "nets": ("pathlib", "os", "io", "tempfile", "shutil", "hnas.files", "cyclopts"),
    "data": ("hnas.nets", "torch.nn"),
    "searching": ("PIL", "rich", "matplotlib", "hnas.data.pictures", "hnas.evaluation.table"),
    "zoo": ("hnas.searching",),
    "report": ("torch.nn", "scipy", "hnas.ranking", "hnas.training", "collections.Counter"),
    "cli": ("numpy", "scipy"),
}


@pytest.mark.parametrize("room", NEVER)
def test_a_room_never_does_what_is_not_its_own(room: str) -> None:
    for path in _sources(room):
        if path.parent.name == "app":
            continue  # the app enlarges what is brought to it
        names = {name for name, _ in _imported(path)}
        found = {name for name in names for never in NEVER[room] if name == never or name.startswith(f"{never}.")}
        assert not found, f"{path.relative_to(PACKAGE)} imports {found}"


def test_networks_know_no_word_of_the_command_line() -> None:
    for path in _sources("nets"):
        for node in _nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "--" not in node.value, f"{path.relative_to(PACKAGE)}:{node.lineno}"


def test_training_knows_no_one_network() -> None:
    """It takes one from a registry, by its name."""
    for path in _sources("training"):
        names = {name for name, _ in _imported(path) if name.startswith("hnas.nets.")}
        modules = {name for name in names if (PACKAGE.parent / name.replace(".", "/")).with_suffix(".py").is_file()}
        assert modules <= {"hnas.nets.latency"}, path.relative_to(PACKAGE)


#: All that the report takes from rooms that compute: values, registries, and what computes or reads what it shows.
ASKED = {
    "compare.py": {"read_picture"},
    "design.py": {"Attainable", "Timed", "GRAPH", "Design"},
    "design_chart.py": {"How", "Timed", "Design", "BICUBIC", "SCALE"},
    "figures.py": {"Comparison"},
    "front.py": {"Candidate", "compare"},
    "latency_figure.py": {"TimedRow", "front"},
    "page.py": {"REFERENCES", "gains_over_bicubic", "is_bicubic", "Candidate", "early_and_late"},
    "promises.py": {"Candidate"},
    "results.py": {"PEERS", "ComparisonRow", "SCALE", "compressed_table", "in_table_order"},
    "run.py": {"Candidate", "read_candidate", "DESCRIPTION"},
    "study.py": {"FAMILIES", "Figures", "Verdict", "judge_scores", "verdict"},
    "study_figures.py": {"OWN", "WORST", "counted"},
    "table_figure.py": {"ComparisonRow"},
    "table_study.py": {"PARTS"},
}
COMPUTE = {"nets", "data", "weights", "evaluation", "training", "deploy", "searching", "zoo"}


def test_the_report_computes_nothing() -> None:
    """Whoever has it run a network, count or rank writes the name down here, and will think again."""
    found = {}
    for path in sorted((PACKAGE / "report").glob("*.py")):
        imports = [node for node in _nodes(path) if isinstance(node, ast.ImportFrom)]
        asked = [node for node in imports if set((node.module or "").split(".")[1:2]) & COMPUTE]
        if taken := {alias.name for node in asked for alias in node.names}:
            found[path.name] = taken
    assert found == ASKED


def test_the_pareto_front_stands_once() -> None:
    """What else is called a front asks hnas/ranking.py; ranks of many aims (NSGA-II) are another thing."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in _nodes(path):
            if isinstance(node, ast.FunctionDef) and node.name.strip("_") in ("front", "pareto_front", "undominated"):
                body = ast.unparse(node)
                asks = "ranking.front(" in body or "time_here(" in body
                assert asks or path.name == "ranking.py", f"{path.relative_to(PACKAGE)}:{node.lineno}"


#: Dataclasses that change: what a view shows, where a file is written to, and where a training is.
CHANGING = {("cli/upscale_view.py", "View"), ("deploy/video/target.py", "Target"), ("training/loop.py", "_Place")}


def _made_by(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(decorator) for decorator in node.decorator_list]


def test_dataclasses_are_frozen() -> None:
    found = {
        (where, node.name)
        for where, node in _classes()
        if any(made.startswith("dataclass") and "frozen=True" not in made for made in _made_by(node))
    }
    assert found == CHANGING


def test_settings_are_frozen_dataclasses() -> None:
    settings = [(where, node) for where, node in _classes() if node.name.endswith("Settings")]
    assert len(settings) >= 10
    for where, node in settings:
        assert any("frozen=True" in made for made in _made_by(node)), f"{where}: {node.name}"


#: Torch's functions that draw from a global generator where none is handed in.
DRAWING = {"rand", "randn", "randint", "randperm", "bernoulli", "multinomial", "normal"}


def test_randomness_comes_from_a_seed_or_a_generator() -> None:
    for where, called, call in _calls():
        words = called.split(".")
        said = f"{where}:{call.lineno}: {ast.unparse(call)}"
        if words[:2] in (["np", "random"], ["numpy", "random"]):
            assert words[2].startswith("default_rng"), said
            assert call.args, said
        if words[0] == "torch" and words[-1] in DRAWING:
            assert any(keyword.arg == "generator" for keyword in call.keywords), said
        if called == "torch.manual_seed":  # modules draw their first weights from torch's own generator
            assert [ast.unparse(argument) for argument in call.args] == ["settings.seed"], said
        if called in ("Random", "torch.seed"):
            assert call.args, said
    for path in sorted(PACKAGE.rglob("*.py")):
        names = {name for name, _ in _imported(path) if name.split(".")[0] == "random"}
        assert names <= {"random", "random.Random"}, path.relative_to(PACKAGE)
        assert "random" not in names or "random.Random" in names, f"{path.relative_to(PACKAGE)} imports random whole"


def test_a_mistake_is_one_line() -> None:
    for where, called, call in _calls():
        if called == "HnasError":
            texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
            assert not [text for text in texts if isinstance(text, str) and "\n" in text], f"{where}:{call.lineno}"


#: Where a file is opened to be written: the one place, logs that grow, transfers and films that write beside it.
WRITING = {
    *("files.py", "training/run_folder.py", "data/download.py"),
    *("deploy/video/segments.py", "deploy/video/work.py"),
    "deploy/web/site.py",  # a whole folder, renamed when it is done
    "cli/upscale.py",  # into a pipe, or a device
}


def test_files_are_written_beside_their_place() -> None:
    found = set()
    for where, called, call in _calls():
        words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
        modes = [word for word in words if isinstance(word, str) and len(word) <= 3 and set(word) & set("wax+")]
        opens = called.split(".")[-1] == "open" and modes
        if opens or called.endswith((".write_text", ".write_bytes")):
            found.add(where)
    assert found == WRITING


def test_files_are_read_by_readers_that_bound_them() -> None:
    """JSON and YAML by hnas/values.py, what torch wrote by hnas/torch_files.py; weights always strictly."""
    for where, called, call in _calls():
        said = f"{where}:{call.lineno}: {ast.unparse(call)}"
        if called in ("json.load", "yaml.load", "yaml.safe_load"):
            assert where == "values.py", said
        if called.endswith("json.loads") or called == "json_module.loads":
            assert "read_" not in ast.unparse(call), said
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if called == "torch.load":
            assert where == "torch_files.py", said
            assert keywords["weights_only"] == "True", said
        if called.endswith("load_state_dict"):
            assert keywords.get("strict", "True") == "True", said


_EVERY_MODULE = """
import importlib, json, pkgutil, sys
from pathlib import Path

import hnas

package, seen = Path(hnas.__file__).parent, []

def watch(event, arguments):
    if event == "socket.connect":
        seen.append("a connection")
    if event == "open" and isinstance(arguments[0], str):
        path = Path(arguments[0])
        if path.is_relative_to(package) and path.suffix not in (".py", ".pyc", "") and ".pyc." not in path.name:
            seen.append(str(path))

names = [one.name for one in pkgutil.walk_packages(hnas.__path__, "hnas.") if not one.name.endswith("__main__")]
sys.addaudithook(watch)
imported = []
for name in names:
    try:
        importlib.import_module(name)
        imported.append(name)
    except ModuleNotFoundError as error:
        assert not error.name.startswith("hnas"), error
print(json.dumps([imported, seen]))
"""


def test_nothing_is_parsed_or_downloaded_at_import() -> None:
    """Every module is imported, and none opens a file of the package beside code, or a connection."""
    done = subprocess.run([sys.executable, "-c", _EVERY_MODULE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    imported, seen = json.loads(done.stdout.splitlines()[-1])
    assert len(imported) > 200
    assert not seen

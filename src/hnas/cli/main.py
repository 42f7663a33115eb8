"""The command ``hnas``: what its commands are, and how each of them may end.

To add a command ``verb``:
  1. Write ``cli/verb.py`` with a function ``verb``. Its parameters are the arguments (positional ones before ``/``,
     options after ``*``), its docstring is the help (Google style, a line for each argument).
  2. Settings come in flat, from flags or ``--config``: ``settings: Annotated[VerbSettings, Parameter(name="*")] | None
     = None`` and ``config: Config = None`` (cli/options.py). The file has been read before the function runs, so the
     function has no use for ``config``.
  3. Import what is heavy (torch, and the rooms that import it) inside the function, so that ``--help`` stays quick.
  4. Print results to stdout (``--json``: one JSON document and nothing else); progress and notes go to stderr.
  5. Raise HnasError for a person's mistake. Return the exit status, or nothing for 0.
  6. Add one line to GROUPS below.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from keyword import iskeyword

from cyclopts import App, CycloptsError, Group, MissingArgumentError, Parameter

from hnas import __version__
from hnas.cli.config_file import settings_from_config
from hnas.errors import HnasError, one_line
from hnas.extras import absent_extra
from hnas.launched import first_speaks, left_to_the_first
from hnas.memory import is_out_of_memory, keep_few_kernels, keep_memory

#: Group -> command -> its line in ``hnas --help``. The function has the command's name and lives in the module of that
#: name; a word that is a keyword of Python has an underscore after it.
GROUPS = {
    "Enlarge pictures": {
        "upscale": "Enlarge pictures: files, folders, patterns, standard input.",
        "app": "Enlarge pictures and explore searches in the browser (extra: app).",
        "video": "Enlarge a video: frames enlarged, sound copied (extra: video).",
        "export": "Write a model for other runtimes (ONNX, OpenVINO, TorchScript), for sharing, or as a page.",
    },
    "Design a network": {
        "design": "The best ready network for so many milliseconds on this machine, in less than a minute.",
        "demo": "The whole way once, on photographs that come along: search, train, evaluate, upscale, report.",
        "search": "Search for a genotype on your own pictures.",
        "derive": "Choose another genotype from a finished search, for other limits or another lambda.",
        "train": "Train a network from scratch, on your own pictures.",
        "report": "Write a run's report: curves, genotypes, cells, pictures, in one HTML file.",
        "show": "Draw a genotype: both cells and the position of the upsampling cell.",
    },
    "Measure": {
        "evaluate": "PSNR and SSIM of models on benchmarks, as papers compute them.",
        "look": "Draw the same detail of pictures by several models.",
        "profile": "Multiply-adds, parameters and measured latency of a network.",
        "bench": "Time the steps of search and training here, beside the straightforward way.",
        "compare": "Table II of the paper, its costs and what it reaches here; or all networks by their time here.",
        "study": "Compare search strategies with chance at an equal number of evaluations.",
    },
    "Pictures and weights": {
        "models": "The models that come with the package, and what was measured of each.",
        "data": "The public sets that papers use: list them, get them, check them.",
        "import": "Convert a published weights file of a known system (CARN, ETDS, SMFANet ...).",
        "zoo": "Train and export the models that ship with the package.",
    },
}
COMMANDS = {name: line for commands in GROUPS.values() for name, line in commands.items()}


app = App(
    name="hnas",
    help="Super-resolution networks that fit a budget: searched, trained, measured and run.",
    version=__version__,
    config=[settings_from_config],
    default_parameter=Parameter(negative_iterable=()),  # no --empty-... beside every list
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
app.register_install_completion_command(help="Teach your shell to complete the commands and options of hnas.")
app["--help"].group = app["--version"].group = app["--install-completion"].group = Group("Other", sort_key=len(GROUPS))
for _order, (_title, _commands) in enumerate(GROUPS.items()):
    _group = Group(_title, sort_key=_order)
    for _name, _line in _commands.items():
        _python_name = f"{_name}_" if iskeyword(_name) else _name
        _path = f"hnas.cli.{_python_name}:{_python_name}"
        app.command(_path, name=_name, help=_line, group=_group, sort_key=list(_commands).index(_name))


class _Said(logging.Handler):
    """What the rooms have to say while they work, on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


#: Commands that enlarge pictures, perhaps many of many sizes.
ENLARGING = ("upscale", "app", "video")
#: Commands that may be several processes, which do one thing together.
TOGETHER = ("search", "train", "compare")
#: Commands that an interruption costs nothing.
RESUMABLE = ("demo", "search", "study", "train")


def command(name: str) -> App:
    """One command, with the whole docstring of its function as help, not just its line in the list of commands."""
    found = app[name]
    if found.default_command:
        found.help = None
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        0 done; 1 done in part or checked and found wanting; 2 a mistake in what was asked; 130 interrupted.
    """
    keep_memory()
    rooms = logging.getLogger("hnas")
    if not any(isinstance(handler, _Said) for handler in rooms.handlers):
        rooms.setLevel(logging.INFO)
        rooms.addHandler(_Said())
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    if tokens and tokens[0] in ENLARGING:
        keep_few_kernels()
    together = bool(tokens) and tokens[0] in TOGETHER
    try:
        if tokens and tokens[0] in COMMANDS:
            command(tokens[0])
        with first_speaks() if together else nullcontext():
            status = app(tokens, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except MissingArgumentError as error:
        return _fail(_missing_argument(error))
    except CycloptsError as error:
        words = " ".join(("hnas", *(error.command_chain or ())))
        said = one_line(error)
        if not error.command_chain:
            said = said.partition(" Available commands:")[0]  # which would be cut off after the first few
        return _fail(f"{said.rstrip('.')}; see {words} --help")
    except HnasError as error:
        return _fail(left_to_the_first(one_line(error)) if together else one_line(error))
    except ImportError as error:
        if absent := absent_extra(error):
            return _fail(one_line(absent))
        raise
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        more = "; with --resume it goes on, once there is more" if tokens and tokens[0] in RESUMABLE else ""
        return _fail(f"the memory is not enough ({one_line(error) or 'no more was given'}){more}")
    except KeyboardInterrupt:
        more = "; the same command with --resume goes on" if tokens and tokens[0] in RESUMABLE else ""
        print(f"hnas: interrupted{more}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone (`hnas ... | head`): say nothing, now or when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or one_line(error)}")
    return status if isinstance(status, int) else 0


def _missing_argument(error: MissingArgumentError) -> str:
    """The line for an option or argument that is missing, or for an option without its value."""
    words, argument = " ".join(("hnas", *(error.command_chain or ()))), error.argument
    assert argument is not None
    if error.keyword or argument.tokens or "Did you mean" in str(error):
        return f"{one_line(error)}; see {words} --help"
    return f"{argument.name} is missing; see {words} --help"


def _fail(message: str | None) -> int:
    if message:
        print(f"hnas: error: {message}", file=sys.stderr)
    return 2

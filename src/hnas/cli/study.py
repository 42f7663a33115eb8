"""``hnas study``."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hnas.cli.minutes import minutes
from hnas.cli.options import Config, Json
from hnas.errors import HnasError
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.workers.engine import Engine


def study(
    *,
    data: Path | None = None,
    run_dir: Path | None = None,
    val: Path | None = None,
    table: Annotated[bool, Parameter(negative="")] = False,
    compared: Annotated[StudySettings | None, Parameter(name="*", consume_multiple=True)] = None,
    settings: Annotated[SearchSettings | None, Parameter(name="*", consume_multiple=True)] = None,
    engine: Annotated[Engine | None, Parameter(name="*")] = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Compare search strategies at an equal number of evaluations, and say whether they beat chance.

    All strategies are scored alike: with --scorer shared by weights that are trained once for every seed and then
    frozen, with --scorer short by training each genotype alone, once for all. Some random genotypes are trained
    longer: Kendall's tau says how far the scores can be believed. --config takes the section for search of a file or
    preset, such as cpu. A study that was stopped goes on with --resume.

    --table needs no pictures and no training: every network of one small space was trained before, and its table is in
    the package. It brings settings of its own (30 seeds, 80 evaluations ...), which flags override.

    Args:
        data: A folder with pictures to search on, or a known set such as DIV2K-train.
        run_dir: Folder for the study; its searches are run folders inside.
        val: A folder with pictures to validate on, or a known set such as Set5; without it, a tenth of the others.
        table: Compare strategies on the table in the package, within a minute or two.
        resume: Go on with the study in the folder.
        overwrite: Take the study in the folder away and start anew.
    """
    settings, compared = settings or SearchSettings(), compared or StudySettings()
    if table:
        if data or run_dir or val or resume or overwrite:
            raise HnasError("--table searches a table that is there: leave out --data, --val, --run-dir and --resume")
        _on_table(settings, compared, json=json)
        return
    if data is None or run_dir is None:
        raise HnasError("hnas study needs --data and --run-dir, or --table")

    from hnas.report.study import PAGE, write_study
    from hnas.searching.study.run import run_study

    parts = compared.seeds * (len(compared.strategies) + (settings.scorer == "shared")) + compared.alone
    finished = 0
    with minutes("study", terminal=True) as done:
        done(0.0, f"0 of {parts} parts")

        def progress(sentence: str) -> None:
            nonlocal finished
            finished += 1
            print(f"study: {sentence}", file=sys.stderr, flush=True)
            done(finished / parts, f"{finished} of {parts} parts")

        result = run_study(
            data,
            val,
            run_dir=run_dir,
            settings=settings,
            study=compared,
            engine=engine,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
            then=PAGE,
        )
    page = write_study(run_dir)
    print(json_module.dumps(result) if json else page.read_text(encoding="utf-8"))


def _on_table(settings: SearchSettings, compared: StudySettings, *, json: bool) -> None:
    from hnas.report.table_study import table_study_page
    from hnas.searching.study.on_table import study_on_table
    from hnas.searching.study.table import read_table

    finished = 0
    with minutes("study", terminal=True) as done:

        def progress(name: str) -> None:
            nonlocal finished
            finished += 1
            done(finished / len(compared.strategies), f"{name} done")

        result = study_on_table(read_table(), settings, compared, progress=progress)
    print(json_module.dumps(result) if json else table_study_page(result))

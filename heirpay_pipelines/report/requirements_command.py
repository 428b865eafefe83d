"""`heirpay requirements check`: each demand of `requirements.yaml`, met or not."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say, say_json


@click.group()
def requirements() -> None:
    """What is demanded of this domain: requirements.yaml in the home."""


@requirements.command()
@click.option("--format", "as_format", type=click.Choice(["text", "json"]), default="text")
def check(as_format: str) -> None:
    """Say of each requirement whether it is met, with the evidence. Exit 1 if any is unmet."""
    from heirpay_pipelines.controls.store import read_results
    from heirpay_pipelines.report.context import ReportContext
    from heirpay_pipelines.report.domain.requirements import requirements_met
    from heirpay_pipelines.report.reading import open_reader
    from heirpay_pipelines.report.requirements import FILE, read_requirements
    from heirpay_pipelines.report.run_facts import RunFacts
    from heirpay_pipelines.state import open_state
    from heirpay_pipelines.state.runs import read_run
    from heirpay_pipelines.text.listing import print_list

    settings = Settings.load()
    if read_requirements(settings) is None:
        raise click.UsageError(f"there is no {FILE} in {settings.folder}")
    with open_state(settings.state_file) as state:
        newest = state.rows(
            "select run_id, as_of from runs where outcome = 'published'"
            " order by started_at desc limit 1"
        )
        if not newest:
            raise click.UsageError("nothing is published yet: `heirpay run` first")
        run = read_run(state, newest[0]["run_id"])
        results = [asdict(result) for result in read_results(state, run.run_id, settings.project)]
    facts = RunFacts(run.run_id, run.as_of, "published")
    with open_reader(settings, facts, results) as reader:
        rows = requirements_met(ReportContext(settings, facts, reader))
    if as_format == "json":
        say_json(json.dumps(rows, indent=2))
    elif rows:
        columns = ("requirement", "wanted", "status", "evidence")
        print_list(columns, [tuple(row[c] for c in columns) for row in rows], prose=("evidence",))
    else:
        say(f"{FILE} demands nothing.")
    if any(row["status"] == "unmet" for row in rows):
        raise click.exceptions.Exit(1)

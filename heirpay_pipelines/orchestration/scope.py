"""What of the asset graph a run was asked for: a whole night, which may be published, or a
selection, which never is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import dagster as dg

from heirpay_pipelines.controls.register import Control, register_by_key

TABLE = re.compile(r"\b([a-z_]+)\.([a-z_0-9]+)\b")


@dataclass(frozen=True)
class Graph:
    """What must be known of the definitions to tell one from the other: the dbt model behind each
    asset, what a night cannot be published without, and where each control's check hangs."""

    models: Mapping[dg.AssetKey, str]
    needed: frozenset[dg.AssetKey]
    asset_of: Mapping[str, dg.AssetKey]
    reads_all: frozenset[dg.AssetKey]
    """Assets that look at every table."""
    told: frozenset[dg.AssetKey]
    """Assets by which people hear of a night: incidents and report."""


EMPTY = Graph({}, frozenset(), {}, frozenset(), frozenset())


@dataclass(frozen=True)
class Scope:
    """A run's part of the graph; without `assets` and `checks` all of its job's."""

    is_whole: bool = True
    assets: frozenset[dg.AssetKey] | None = None
    checks: frozenset[dg.AssetCheckKey] | None = None
    graph: Graph = field(default=EMPTY)

    @property
    def is_told(self) -> bool:
        """Whether incidents and report are among what was asked for."""
        return self.assets is None or self.graph.told <= self.assets

    def controls(self) -> list[Control]:
        """The controls whose checks a selection evaluates."""
        register = register_by_key()
        if self.checks is not None:
            names = {key.name for key in self.checks}
            return [register[name] for name in self.graph.asset_of if name in names]
        assets = self.assets or frozenset()
        return [register[name] for name, key in self.graph.asset_of.items() if key in assets]

    def tables(self) -> frozenset[dg.AssetKey]:
        """The models that a selection's build must hold: those selected, and what the controls of
        its tables read."""
        assets = self.assets or frozenset()
        models = frozenset(self.graph.models)
        controls = self.controls()
        if assets & self.graph.reads_all or any(control.probe for control in controls):
            return models
        return (assets & models) | tables_read(controls, models)


def scope_of(run: dg.DagsterRun, jobs: Collection[str], graph: Graph) -> Scope:
    """A run of one of the `jobs`, or of the whole graph, is a whole night unless what was selected
    of it leaves out something that a publication rests on."""
    assets = None if run.asset_selection is None else frozenset(run.asset_selection)
    checks = run.asset_check_selection
    if assets is None and not checks:
        return Scope(run.job_name in jobs or run.job_name == WHOLE_GRAPH, graph=graph)
    given = assets or frozenset()
    return Scope(
        is_whole=graph.needed <= given,
        assets=given,
        checks=None if checks is None else frozenset(checks),
        graph=graph,
    )


WHOLE_GRAPH = "__ASSET_JOB"
"""The job that Dagster makes of all assets, for whoever materialises some of them in its UI."""


def tables_read(
    controls: Collection[Control], known: Collection[dg.AssetKey]
) -> frozenset[dg.AssetKey]:
    """The tables that the controls name, in their queries too."""
    text = " ".join(
        part or "" for c in controls for part in (c.table, c.rows, c.checked, c.applies)
    )
    found = {dg.AssetKey([schema, table]) for schema, table in TABLE.findall(text)}
    return frozenset(found & set(known))

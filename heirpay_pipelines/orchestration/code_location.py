"""Dagster's code location of this product, as workspace.yaml names it, without starting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirpay_pipelines.shipped import WORKSPACE

if TYPE_CHECKING:
    from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin

LOCATION = "heirpay"
REPOSITORY = "__repository__"
"""What Dagster calls the definitions of a module."""
PUBLISHED_FIGURES = "published_figures"
"""The asset group of what finance reads: the schema `finance` of the published warehouse."""


def location_tags() -> dict[str, str]:
    """Dagster's pages of a job list the runs with this tag, which it gives to those that it
    launches."""
    return {".dagster/repository": f"{REPOSITORY}@{LOCATION}"}


def repository_origin() -> RemoteRepositoryOrigin:
    """Where Dagster's servers load the definitions from. Its timeline shows the runs of this
    origin, and its daemon the schedules."""
    from dagster._core.remote_origin import RemoteRepositoryOrigin
    from dagster._core.workspace.load_target import WorkspaceFileTarget

    (location,) = WorkspaceFileTarget([str(WORKSPACE)]).create_origins()
    return RemoteRepositoryOrigin(location, REPOSITORY)


def job_origin(job: str) -> RemoteJobOrigin:
    """A job of ours, as a server knows it."""
    from dagster._core.remote_origin import RemoteJobOrigin

    return RemoteJobOrigin(repository_origin(), job)

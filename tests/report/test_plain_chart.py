"""A mart's chart in Dagster."""

from __future__ import annotations

import re

import pytest

from heirpay_pipelines.report.plain_chart import plain_chart


@pytest.mark.parametrize("most", [1, 2, 5, 9, 400])
def test_a_chart_of_counts_has_no_halves_on_its_axis(most: int) -> None:
    rows = [{"x": f"kind {n}", "y": n} for n in range(1, min(most, 9) + 1)]
    drawn = plain_chart([*rows, {"x": "most of all", "y": most}])
    labels = re.findall(r">([\d.]+)</text>", drawn)
    assert len(labels) > 1
    assert [label for label in labels if "." in label] == []

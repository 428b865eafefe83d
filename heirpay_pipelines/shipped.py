"""What belongs to the product and is no Python: the dbt project, the docs, Dagster's workspace.

In a checkout they lie beside the package; the wheel carries them inside it, under `shipped/`.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
INSIDE = PACKAGE / "shipped"
SHIPPED = INSIDE if INSIDE.is_dir() else PACKAGE.parent

DBT_PROJECT = SHIPPED / "dbt"
SEEDS = DBT_PROJECT / "seeds"
WORKSPACE = SHIPPED / "workspace.yaml"
"""What `dagster dev -w` loads: it names the code location."""
DOCS = SHIPPED / "docs"

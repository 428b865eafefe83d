#!/bin/sh
# Every check that CI makes. Arguments go to pytest: `./heirpay test tests/pull -k cursor`.
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" DAGSTER_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1
if [ "$#" -eq 0 ]; then
  ruff check .
  ruff format --check .
  mypy
  lint-imports
  sqlfluff lint dbt/models dbt/tests --processes 2
fi
exec pytest -n "${TEST_PROCESSES:-2}" --dist worksteal "$@"

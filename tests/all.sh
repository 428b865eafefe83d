#!/bin/sh
# Every check that CI makes:
#   ./heirpay test            lint, types, import contract, SQL style beside the tests
#   ./heirpay test --fast     no night, no whole program that did not change, SQL that changed
#   ./heirpay test ARGUMENTS  pytest with its own arguments: `./heirpay test tests/gateways/stripe -k cursor`
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" DAGSTER_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1
# A process of ours that dies says where.
export PYTHONFAULTHANDLER=1

tests() {
  pytest -n "${TEST_PROCESSES:-2}" --dist loadfile --no-loadscope-reorder "$@"
}

fast=
[ "${1:-}" != --fast ] || fast=--fast
if [ "$#" -gt 1 ] || { [ "$#" -eq 1 ] && [ -z "$fast" ]; }; then
  tests "$@"
  exit
fi

ruff check .
ruff format --check .
lint-imports

# What takes longer runs beside the tests: two cores, two things that know only one.
mkdir -p .cache/tests
log=.cache/tests/static.log
{ mypy && python tests/sql_style.py ${fast:+--changed}; } >"$log" 2>&1 &
static=$!
trap 'kill "$static" 2>/dev/null || true' INT TERM
status=0
tests $fast || status=$?
wait "$static" || { status=1; echo "Types or SQL style:" >&2; }
cat "$log"
exit "$status"

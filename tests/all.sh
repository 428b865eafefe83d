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

# Much of what tests wait for is a disk that says it has written: memory, where there is plenty.
PLENTY=16000000 # kB
room=$(df -P -k /dev/shm 2>/dev/null | awk 'NR == 2 && $6 == "/dev/shm" { print $4 }')
memory=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo 2>/dev/null || true)
if [ -z "${TMPDIR:-}" ] && [ "${room:-0}" -gt "$PLENTY" ] && [ "${memory:-0}" -gt "$PLENTY" ]; then
  TMPDIR=$(mktemp -d /dev/shm/heirpay-tests-XXXXXX)
  export TMPDIR
  trap clear_memory EXIT
fi

# What a process leaves that dies of a fault stays (.ci/keep_deaths looks for it here).
clear_memory() {
  find "$TMPDIR" -maxdepth 6 -type f \( -name core -o -name 'core.[0-9]*' \) -exec mv {} . \;
  rm -rf "$TMPDIR"
}

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

#!/bin/sh
# Every check of form, all of them even when one fails; exits with 1 if any did.
cd "$(dirname "$0")/.." || exit 1
status=0
run() {
  echo "· $*"
  "$@" || status=1
}
run .venv/bin/ruff check --quiet jobs dags tests setup benchmarks
run .venv/bin/ruff format --quiet --check jobs dags tests setup benchmarks
run .venv/bin/python -m mypy --no-error-summary
run .venv/bin/lint-imports --no-cache --no-logo
run .venv/bin/yamllint --strict schemas expectations docker .pre-commit-config.yaml .yamllint
exit $status

# Every target sets up what is missing first (setup/bootstrap.py); a second call sets nothing up.
# On a fresh machine: Python 3.11, make and the package registries are enough.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: help setup setup-airflow airflow demo test lint check bench bench-city score docs lock clean

help:
	@echo 'make demo   set up, fill a lake from sample deliveries, show what to try'
	@echo 'make airflow  start Airflow on this machine (http://127.0.0.1:8080), with the DAGs on'
	@echo 'make test   set up, lint, run all tests'
	@echo 'make lint   ruff, mypy, import rule, yamllint'
	@echo 'make check  validate contracts, SQL, rules and code lists'
	@echo 'make bench  measure; prints JSON'
	@echo 'make bench-city  measure a whole city (PEOPLE=3400000, an hour)'
	@echo 'make score DELIVERIES=DIR  the registry of persons against the truth of a simulated city'
	@echo 'make docs   write the generated pages and the JSON Schema for editors'
	@echo 'make lock   resolve setup/requirements*.in anew into the .txt beside each'
	@echo 'make clean  remove the environment and all caches (never the lake)'

setup:
	@python=$$(PYTHON="$(PYTHON)" setup/find-python.sh) && "$$python" setup/bootstrap.py

# Airflow has an environment of its own; it calls the command of the jobs' environment.
setup-airflow:
	@python=$$(PYTHON="$(PYTHON)" setup/find-python.sh) && "$$python" setup/airflow_env.py

airflow: setup setup-airflow
	@exec .venv-airflow/bin/python setup/airflow_start.py

demo: setup
	@.venv/bin/onesource demo

TEST_PROCESSES = 2
# Lint that fails does not hide what the tests say, and fails the target all the same.
# The last line is pytest's own. Some tests run Airflow, and so need its environment. A file of
# tests stays in one process: each process has its own Spark, and one of them uses hardly two cores.
test: setup setup-airflow
	@status=0; setup/lint.sh || status=$$?; \
	.venv/bin/python -m pytest -n $(TEST_PROCESSES) --dist loadfile || exit $$?; exit $$status

lint: setup
	@setup/lint.sh

check: setup
	@.venv/bin/onesource check

bench: setup setup-airflow
	@.venv/bin/python benchmarks/run.py

PEOPLE = 3400000
NIGHTS = 3
bench-city: setup
	@.venv/bin/python benchmarks/city.py --people $(PEOPLE) --nights $(NIGHTS)

# DELIVERIES: what onesource simulate wrote, delivered and run in the lake (ONESOURCE_LAKE).
score: setup
	@.venv/bin/python benchmarks/score.py "$(DELIVERIES)"

docs: setup
	@.venv/bin/python setup/write_docs.py

lock: setup
	@.venv/bin/python setup/lock.py

clean:
	rm -rf .venv .venv-airflow .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build
	find jobs tests benchmarks setup -name __pycache__ -type d -prune -exec rm -rf {} +

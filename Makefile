# make demo   generates the demonstration and builds it with dbt on DuckDB: no key, no network beyond pip
# make test   runs all tests; make test-spark those that need Spark, which is large, and Java
# make lint   ruff and mypy
# make docs   rewrites the generated pages of docs/
# make bench  measures, as ratios in one run

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# dbt reads these from the environment; the demonstration has its own profile at the root.
export DBT_SEND_ANONYMOUS_USAGE_STATS = false

.PHONY: demo test test-spark lint docs bench clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all,test]'
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/seedbed demo --dbt $(BIN)/dbt .

test: $(VENV)/.installed
	$(BIN)/python -m pytest

$(VENV)-spark/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-spark
	$(VENV)-spark/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[duckdb,postgres,test,test-spark]'
	@touch $@

test-spark: $(VENV)-spark/.installed
	$(VENV)-spark/bin/python -m pytest -k spark tests/integration tests/functional/test_dbt_package.py

# In an environment of its own: dbt pins pathspec below what mypy asks for. mypy looks up libraries in the other one.
$(VENV)-lint/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-lint
	$(VENV)-lint/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[lint]'
	@touch $@

lint: $(VENV)/.installed $(VENV)-lint/.installed
	$(VENV)-lint/bin/ruff check .
	$(VENV)-lint/bin/ruff format --check .
	$(VENV)-lint/bin/mypy --python-executable $(BIN)/python

docs: $(VENV)/.installed
	$(BIN)/python docs/render.py

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) $(VENV)-lint $(VENV)-spark target logs dbt_packages

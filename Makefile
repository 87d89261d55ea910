# make demo   generates the demonstration and builds it with dbt on DuckDB: no key, no network beyond pip
# make test   runs all tests; make test-spark those that need Spark, which is large, and Java;
#             make test-dbt-2 those that need dbt 2.x, and npm for its DuckDB
# make lint   ruff and mypy
# make docs   rewrites the generated pages of docs/
# make bench  measures against limits and peers and writes benchmarks/results.md: 50 minutes, see benchmarks/README.md

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# dbt reads these from the environment; the demonstration has its own profile at the root.
export DBT_SEND_ANONYMOUS_USAGE_STATS = false

.PHONY: demo test test-spark test-dbt-2 lint docs bench clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all,test]'
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/seedbed demo --dbt $(BIN)/dbt .

test: $(VENV)/.installed
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

$(VENV)-spark/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-spark
	$(VENV)-spark/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[duckdb,postgres,test,test-spark]'
	@touch $@

test-spark: $(VENV)-spark/.installed
	$(VENV)-spark/bin/python -m pytest -k spark tests/integration tests/functional/test_dbt_package.py

# A wheel without Python modules; later ones download themselves from GitHub. Its DuckDB comes out of an npm package.
DBT_2 := dbt==2.0.0rc196
DUCKDB_LIBRARY := @duckdb/node-bindings-linux-x64@1.5.6-r.1

$(VENV)-dbt-2/.installed: Makefile
	$(PYTHON) -m venv $(VENV)-dbt-2
	$(VENV)-dbt-2/bin/python -m pip install --quiet --disable-pip-version-check '$(DBT_2)'
	cd $(VENV)-dbt-2 && tar -xzf "$$(npm pack --silent $(DUCKDB_LIBRARY))"
	@touch $@

test-dbt-2: $(VENV)/.installed $(VENV)-dbt-2/.installed
	SEEDBED_DBT_2=$(abspath $(VENV)-dbt-2)/bin/dbt LD_LIBRARY_PATH=$(abspath $(VENV)-dbt-2)/package \
		$(BIN)/python -m pytest tests/functional/test_dbt_2.py

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
	rm -rf $(VENV) $(VENV)-lint $(VENV)-spark $(VENV)-dbt-2 target logs dbt_packages

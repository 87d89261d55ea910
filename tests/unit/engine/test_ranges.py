"""Parts of a table that other processes make are the table."""

import concurrent.futures
import multiprocessing
import pickle
import shutil

import pyarrow as pa
import pytest

from clinic import resolve_clinic
from seedbed import api
from seedbed.engine.ranges import RowRanges
from seedbed.errors import PlanError


@pytest.fixture
def clinic(tmp_path):
    return resolve_clinic(tmp_path / "clinic")


def test_a_resolved_plan_can_be_pickled(clinic):
    assert pickle.loads(pickle.dumps(clinic)) == clinic


def test_parts_are_the_rows_of_one_machine(clinic):
    for name, whole in api.generate_tables(clinic).items():
        parts = RowRanges(clinic, name, batch_rows=100)
        made = [parts.batch(part) for part in reversed(range(len(parts)))]
        assert pa.Table.from_batches(made[::-1], parts.schema) == whole
        assert len(parts) >= 3 or name == "nobody"


def test_another_process_needs_nothing_of_the_project(clinic, tmp_path):
    expected = api.generate_tables(clinic)
    parts = {name: RowRanges(clinic, name, batch_rows=150) for name in expected}
    shutil.rmtree(tmp_path / "clinic")
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as process:
        for name, whole in expected.items():
            made = list(process.map(parts[name].batch, range(len(parts[name]))))
            assert pa.Table.from_batches(made, parts[name].schema) == whole


def test_a_table_that_there_is_not_is_named(clinic):
    with pytest.raises(PlanError, match=r"the plan has no table visit\n.*visits"):
        api.row_ranges(clinic, "visit")

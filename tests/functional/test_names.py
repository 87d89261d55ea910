"""Tables and columns named in any language: what is generated for them, dbt loads and tests."""

import pytest
import yaml
from click.testing import CliRunner

from dbt_targets import running_target
from seedbed.cli import main
from shop import run_dbt, statuses

PROPERTIES = """\
seeds:
  - name: größe
    columns: [{name: id, data_type: integer}, {name: länge, data_type: integer, data_tests: [not_null]}]
  - name: données
    config: {meta: {seedbed: {primary_key: [größe_id, numéro]}}}
    columns:
      - {name: numéro, data_type: integer}
      - {name: größe_id, data_tests: [{relationships: {arguments: {to: ref('größe'), field: id}}}]}
      - {name: état, data_type: varchar, data_tests: [{accepted_values: {arguments: {values: [ouvert, fermé]}}}]}
  - name: ведомость
    columns:
      - {name: größe_id, data_type: integer}
      - {name: статус, data_type: varchar}
      - {name: действует_с, data_type: date}
      - {name: действует_по, data_type: date}
    config:
      meta:
        seedbed:
          history:
            entity: größe_id
            state: статус
            valid_from: действует_с
            valid_to: действует_по
            transitions: {новый: {старый: 1}}
"""


@pytest.mark.parametrize("adapter", ["duckdb", "postgres"])
def test_dbt_loads_and_tests_seeds_named_in_any_language(tmp_path, adapter):
    with running_target(adapter) as target:
        profiles = {"names": {"target": "dev", "outputs": {"dev": dict(target)}}}
        (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profiles))
        (tmp_path / "dbt_project.yml").write_text("name: names\nprofile: names\n")
        (tmp_path / "seeds").mkdir()
        (tmp_path / "seeds" / "seeds.yml").write_text(PROPERTIES, encoding="utf-8")
        done = CliRunner().invoke(main, ["generate", "--project-dir", str(tmp_path)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        built = run_dbt(tmp_path, "build")
        assert built.returncode == 0, built.stdout
        assert (statuses(tmp_path).count("success"), set(statuses(tmp_path))) == (3, {"success", "pass"})
    checked = CliRunner().invoke(main, ["check", "--project-dir", str(tmp_path)], catch_exceptions=False)
    assert checked.exit_code == 0, checked.output

"""The dbt package is put into a project without a network, and listed without touching the rest of packages.yml."""

import pytest
import yaml

from seedbed.errors import SinkError
from seedbed.installation import PACKAGE_FOLDER, install_package


def listed(root, file="packages.yml"):
    return yaml.safe_load((root / file).read_text())["packages"]


def test_a_project_without_packages(tmp_path):
    said = install_package(tmp_path)
    assert len(said) == 2
    assert listed(tmp_path) == [{"local": PACKAGE_FOLDER}]
    package = tmp_path / PACKAGE_FOLDER
    assert yaml.safe_load((package / "dbt_project.yml").read_text())["name"] == "seedbed"
    assert (package / "macros" / "generic_tests" / "contiguous_validity.sql").exists()
    assert not (package / "models").exists()


def test_a_second_time_changes_nothing(tmp_path):
    install_package(tmp_path)
    before = (tmp_path / "packages.yml").stat().st_mtime_ns
    assert install_package(tmp_path) == []
    assert (tmp_path / "packages.yml").stat().st_mtime_ns == before


@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_other_packages_and_comments_stay(tmp_path, indent):
    text = f"# ours\npackages:\n{indent}# utilities\n{indent}- package: dbt-labs/dbt_utils\n{indent}  version: 1.3.0\n"
    (tmp_path / "packages.yml").write_text(text)
    install_package(tmp_path)
    assert listed(tmp_path) == [{"local": PACKAGE_FOLDER}, {"package": "dbt-labs/dbt_utils", "version": "1.3.0"}]
    kept = [line for line in (tmp_path / "packages.yml").read_text().splitlines() if "local" not in line]
    assert kept == text.splitlines()


def test_packages_in_dependencies_yml(tmp_path):
    (tmp_path / "dependencies.yml").write_text("projects:\n  - name: other\npackages:\n  - local: ../mine\n")
    install_package(tmp_path)
    assert {"local": PACKAGE_FOLDER} in listed(tmp_path, "dependencies.yml")
    assert not (tmp_path / "packages.yml").exists()


def test_an_empty_list(tmp_path):
    (tmp_path / "packages.yml").write_text("packages: []\n")
    install_package(tmp_path)
    assert listed(tmp_path) == [{"local": PACKAGE_FOLDER}]


def test_a_file_that_cannot_be_extended_stays_as_it_is(tmp_path):
    text = "packages: [{local: ../mine}]\n"
    (tmp_path / "packages.yml").write_text(text)
    with pytest.raises(SinkError, match="add"):
        install_package(tmp_path)
    assert (tmp_path / "packages.yml").read_text() == text

"""A seed's way into PostgreSQL: `postgres.py FOLDER PROJECT SCALE (seedbed|copy|dbt) [TABLE]`.

Each starts a server of its own, which is not measured. `copy` is psql's, from a CSV that is there already, into a
table with the declared types; `dbt` is dbt-postgres's own `dbt seed` of that CSV, start-up included, as is
Seedbed's. What is loaded is the same table in each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from job import job

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from postgres import Server, running_postgres

BIN = Path(sys.executable).parent
TABLE = "transaction_fact"
COLUMNS = """
    transaction_id bigint, case_id integer, person_id integer, date_key integer, transacted_at timestamp,
    transaction_type varchar, amount decimal(12,2)
"""


def seedbed(folder: Path, scale: float, command: str, *more: str) -> None:
    run = [sys.executable, "-m", "seedbed", command, "--project-dir", folder, "--profiles-dir", folder, "--quiet"]
    subprocess.run([*map(str, run), "--scale", str(scale), "--select", TABLE, *more], check=True)


def main(folder: Path, project: Path, scale: float, how: str) -> None:
    shutil.copytree(project, folder, dirs_exist_ok=True)
    with running_postgres() as server:
        write_profile(folder, server)
        csv = folder / "seeds" / f"{TABLE}.csv"
        if how != "seedbed":
            seedbed(folder, scale, "generate", "--workers", "2")
        if how == "copy":
            server.run(f"create table {TABLE} ({COLUMNS})")
        with job(folder, "dbt-seedbed", "dbt-postgres", "adbc-driver-postgresql") as done:
            if how == "seedbed":
                seedbed(folder, scale, "load", "--workers", "2")
            elif how == "copy":
                into = "postgresql://{user}@{host}:{port}/{dbname}".format(**server.settings)
                copy = rf"\copy {TABLE} from '{csv}' with (format csv, header)"
                subprocess.run(["psql", into, "--quiet", "--command", copy], check=True)
            else:
                seed = [BIN / "dbt", "seed", "--project-dir", folder, "--profiles-dir", folder, "--select", TABLE]
                environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
                subprocess.run(list(map(str, seed)), check=True, env=environment, stdout=sys.stderr)
            done.add(int(server.rows(f"select count(*) from {TABLE}")[0][0]), COLUMNS.count(","))


def write_profile(folder: Path, server: Server) -> None:
    target = {**server.settings, "schema": "public", "threads": 1, "password": "none"}
    profile = {"case_star": {"target": "bench", "outputs": {"bench": target}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    with (folder / "dbt_project.yml").open("a") as file:
        file.write("profile: case_star\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4])

"""Fifty tables of about a thousand rows from nothing but their documentation, by the command line: `wide.py FOLDER`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from job import job

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from fifty import property_yaml

SCALE = 1.2
"""With which the baseline author's plan has about 50,000 rows."""

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "seeds").mkdir()
    (folder / "dbt_project.yml").write_text("name: wide\nversion: '1'\n")
    (folder / "seeds" / "_seeds.yml").write_text(property_yaml())
    with job(folder, "dbt-seedbed") as done:
        command = [sys.executable, "-m", "seedbed", "generate", "--quiet", "--project-dir", folder]
        subprocess.run([*map(str, command), "--scale", str(SCALE)], check=True)
        for file in (folder / "seeds").glob("*.csv"):
            with file.open("rb") as lines:
                columns = next(lines).count(b",") + 1
                done.add(sum(1 for _ in lines), columns)

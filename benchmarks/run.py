"""Runs every benchmark, one after another: `make bench`."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

for script in sorted(HERE.glob("*.py")):
    if script.name != Path(__file__).name:
        print(f"--- {script.stem}", flush=True)
        subprocess.run([sys.executable, script], check=True)

"""Files are whole or untouched, and a person's files are never overwritten."""

import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

from seedbed.errors import SinkError
from seedbed.sinks.files import Changes, FileTransaction, check_file_names
from seedbed.sinks.manifest import MANIFEST, read_manifest
from seedbed.swap import TEMPORARY

SEED, AS_OF = 7, "2026-06-30"


def _run(root: Path, files: dict[str, str], *, remove: tuple[str, ...] = (), force: bool = False) -> Changes:
    folder = root / "seeds"
    with FileTransaction(root, force=force) as transaction:
        transaction.claim(folder / name for name in files)
        for name, text in files.items():
            with transaction.stage(folder / name, name.partition(".")[0]) as file:
                file.write(text.encode())
        for name in remove:
            transaction.remove(folder / name)
        return transaction.commit(SEED, AS_OF)


def _content(root: Path) -> dict[str, str]:
    """All files of the seed folder but the run manifest."""
    folder = root / "seeds"
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != MANIFEST}


def _refusal(root: Path, files: dict[str, str]) -> str:
    before = _content(root)
    with pytest.raises(SinkError) as caught:
        _run(root, files)
    assert _content(root) == before
    (found,) = caught.value.diagnostics
    return found.code


def test_files_appear_together_with_a_manifest_that_lists_them(tmp_path):
    changes = _run(tmp_path, {"a.csv": "1", "b.csv": "2"})
    assert _content(tmp_path) == {"a.csv": "1", "b.csv": "2"}
    assert [path.name for path in changes.changed] == ["a.csv", "b.csv"]
    manifest = read_manifest(tmp_path / "seeds")
    assert {name: owned.table for name, owned in manifest.files.items()} == {"a.csv": "a", "b.csv": "b"}
    assert (manifest.random_seed, str(manifest.as_of)) == (SEED, AS_OF)


def test_nothing_at_all_is_left_by_a_rollback(tmp_path):
    with FileTransaction(tmp_path) as transaction, transaction.stage(tmp_path / "seeds" / "a.csv") as file:
        file.write(b"1")
    assert list(tmp_path.iterdir()) == []


def test_an_unchanged_file_is_not_touched(tmp_path):
    _run(tmp_path, {"a.csv": "1", "b.csv": "2"})
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "seeds").iterdir()}
    changes = _run(tmp_path, {"a.csv": "1", "b.csv": "2"})
    assert (changes.changed, len(changes.unchanged)) == ((), 2)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "seeds").iterdir()} == before


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    _run(tmp_path, {"a.csv": "1"})
    (tmp_path / "seeds" / "a.csv").chmod(0o640)
    _run(tmp_path, {"a.csv": "2"})
    assert (tmp_path / "seeds" / "a.csv").stat().st_mode & 0o777 == 0o640


def test_a_hand_written_file_is_refused(tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "a.csv").write_text("mine")
    assert _refusal(tmp_path, {"a.csv": "1"}) == "hand-written-file"
    _run(tmp_path, {"a.csv": "1"}, force=True)
    assert _content(tmp_path) == {"a.csv": "1"}


def test_all_refusals_are_reported_together(tmp_path):
    (tmp_path / "seeds").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "seeds" / name).write_text("mine")
    with pytest.raises(SinkError) as caught:
        _run(tmp_path, {"a.csv": "1", "b.csv": "1", "c.csv": "1"})
    assert [str(found.location) for found in caught.value.diagnostics] == ["seeds/a.csv", "seeds/b.csv"]


def test_an_edited_file_is_refused(tmp_path):
    _run(tmp_path, {"a.csv": "1"})
    (tmp_path / "seeds" / "a.csv").write_text("2")
    assert _refusal(tmp_path, {"a.csv": "3"}) == "edited-file"
    _run(tmp_path, {"a.csv": "3"}, force=True)
    assert _content(tmp_path) == {"a.csv": "3"}


def test_a_file_edited_while_the_run_goes_on_is_refused(tmp_path):
    _run(tmp_path, {"a.csv": "1"})
    target = tmp_path / "seeds" / "a.csv"
    with FileTransaction(tmp_path) as transaction:
        with transaction.stage(target) as file:
            file.write(b"3")
        target.write_text("edited meanwhile")
        with pytest.raises(SinkError, match="edited-file"):
            transaction.commit(SEED, AS_OF)
    assert _content(tmp_path) == {"a.csv": "edited meanwhile"}


def test_line_ends_that_git_changed_are_no_edit(tmp_path):
    _run(tmp_path, {"a.csv": "id\n1\n"})
    (tmp_path / "seeds" / "a.csv").write_bytes(b"id\r\n1\r\n")
    changes = _run(tmp_path, {"a.csv": "id\n1\n"})
    assert len(changes.changed) == 1
    assert (tmp_path / "seeds" / "a.csv").read_bytes() == b"id\n1\n"


def _as_manifests_were_before(root: Path) -> None:
    """With the SHA-256 of each file, under that name."""
    path = root / "seeds" / MANIFEST
    held = json.loads(path.read_text())
    for name, owned in held["files"].items():
        del owned["digest"]
        owned["sha256"] = hashlib.sha256((root / "seeds" / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(held))


def test_files_of_an_earlier_version_are_recognised(tmp_path):
    _run(tmp_path, {"a.csv": "id\n1\n", "b.csv": "id\n1\n", "c.csv": "id\n1\n"})
    _as_manifests_were_before(tmp_path)
    (tmp_path / "seeds" / "b.csv").write_bytes(b"id\r\n1\r\n")
    changes = _run(tmp_path, {"a.csv": "id\n1\n", "b.csv": "id\n2\n"})
    assert [path.name for path in changes.changed] == ["b.csv"]
    # What was not written this time keeps its entry, of the kind that it has.
    kinds = {name: len(owned.digest) for name, owned in read_manifest(tmp_path / "seeds").files.items()}
    assert kinds == {"a.csv": 32, "b.csv": 32, "c.csv": 64}
    _run(tmp_path, {"c.csv": "id\n3\n"})


def test_an_edited_file_of_an_earlier_version_is_refused(tmp_path):
    _run(tmp_path, {"a.csv": "1"})
    _as_manifests_were_before(tmp_path)
    (tmp_path / "seeds" / "a.csv").write_text("2")
    assert _refusal(tmp_path, {"a.csv": "3"}) == "edited-file"


def test_a_deleted_file_is_written_again(tmp_path):
    _run(tmp_path, {"a.csv": "1"})
    (tmp_path / "seeds" / "a.csv").unlink()
    _run(tmp_path, {"a.csv": "2"})
    assert _content(tmp_path) == {"a.csv": "2"}


def test_a_file_that_is_not_wanted_any_more_goes(tmp_path):
    _run(tmp_path, {"a.csv": "1", "old.csv": "1"})
    changes = _run(tmp_path, {"a.csv": "1"}, remove=("old.csv",))
    assert [path.name for path in changes.removed] == ["old.csv"]
    assert _content(tmp_path) == {"a.csv": "1"}
    assert set(read_manifest(tmp_path / "seeds").files) == {"a.csv"}


@pytest.mark.parametrize("force", [False, True])
def test_an_edited_file_that_is_not_wanted_any_more_stays_and_is_the_persons(tmp_path, force):
    _run(tmp_path, {"a.csv": "1", "old.csv": "1"})
    (tmp_path / "seeds" / "old.csv").write_text("edited")
    changes = _run(tmp_path, {"a.csv": "1"}, remove=("old.csv",), force=force)
    assert [path.name for path in changes.left] == ["old.csv"]
    assert _content(tmp_path) == {"a.csv": "1", "old.csv": "edited"}
    assert set(read_manifest(tmp_path / "seeds").files) == {"a.csv"}


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"version": 2, "random_seed": 1, "as_of": "2026-01-01"}']
    + [
        f'{{"version": 1, "random_seed": 1, "as_of": "2026-01-01", "files": {{"{name}": {{"digest": "{"0" * 32}"}}}}}}'
        for name in ("../a.csv", "/etc/passwd", "..", "")
    ],
)
def test_a_manifest_that_makes_no_sense_stops_the_run(tmp_path, text):
    _run(tmp_path, {"a.csv": "1"})
    (tmp_path / "seeds" / MANIFEST).write_text(text)
    assert _refusal(tmp_path, {"a.csv": "2"}) == "run-manifest"


def test_links_lead_nowhere(tmp_path):
    root, outside = tmp_path / "project", tmp_path / "outside"
    (root / "seeds").mkdir(parents=True)
    outside.mkdir()
    (outside / "a.csv").write_text("precious")
    (root / "seeds" / "a.csv").symlink_to(outside / "a.csv")
    (root / "linked").symlink_to(outside)
    for target in (root / "seeds" / "a.csv", root / "linked" / "b.csv", root / "seeds" / ".." / ".." / "c.csv"):
        with FileTransaction(root, force=True) as transaction, pytest.raises(SinkError, match="outside-project"):
            transaction.claim([target])
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"a.csv": "precious"}


def test_names_that_differ_only_in_case_are_one_file_on_many_systems(tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "Orders.csv").write_text("mine")
    assert _refusal(tmp_path, {"orders.csv": "1"}) == "hand-written-file"


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "/etc/x", "a/b", "a\\b", "..", "", "CON", "nul", "lpt1", "orders ", "a.b", "a\0b", "orders\n"),
        *("a" * 64, "ö" * 32, "-rf", "$(id)", "=x", "1abc", "o\u0301", "groß-klein", "²", "a\u2024b"),
    ],
)
def test_unsafe_file_names_are_found(name):
    (found,) = check_file_names([("orders", "orders"), (name, "raw.orders")])
    assert (found.code, repr(name) in found.message) == ("file-name", True)


@pytest.mark.parametrize("name", ["größe", "données", "ордер", "注文", "हिन्दी", "_x", "ö" * 31])
def test_letters_of_any_language_make_a_file_name(name):
    assert check_file_names([(name, "table")]) == []


def test_two_tables_cannot_share_a_file():
    (found,) = check_file_names([("orders", "orders"), ("customers", "customers"), ("Orders", "raw.orders")])
    assert "raw.orders and orders" in found.message
    (found,) = check_file_names([("größe", "größe"), ("GRÖẞE", "GRÖẞE")])
    assert "GRÖẞE and größe" in found.message
    assert check_file_names([("orders", "orders"), ("a" * 63, "other")]) == []


def test_two_runs_at_once_do_not_mix(tmp_path):
    with FileTransaction(tmp_path), pytest.raises(SinkError, match="Another run"):
        FileTransaction(tmp_path)
    _run(tmp_path, {"a.csv": "1"})


def test_a_failure_in_the_middle_of_the_swap_puts_everything_back(tmp_path):
    _run(tmp_path, {"a.csv": "1", "c.csv": "1"})
    seeds = tmp_path / "seeds"
    manifest = (seeds / MANIFEST).read_bytes()
    with FileTransaction(tmp_path) as transaction:
        for name in ("a.csv", "b.csv", "c.csv", "d.csv"):
            with transaction.stage(seeds / name) as file:
                file.write(b"2")
            file.on_disk()
        # Somebody clears up too eagerly: the last swap has nothing to rename, after three were made.
        next(seeds.glob(f".d.csv.*{TEMPORARY}")).unlink()
        with pytest.raises(SinkError, match="cannot be written"):
            transaction.commit(SEED, AS_OF)
    assert _content(tmp_path) == {"a.csv": "1", "c.csv": "1"}
    assert (seeds / MANIFEST).read_bytes() == manifest


_WRITER = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from seedbed.sinks.files import FileTransaction

    if len(sys.argv) > 4:
        os.setuid(int(sys.argv[4]))
    root, names, size = Path(sys.argv[1]), sys.argv[2].split(","), int(sys.argv[3])
    print("ready", flush=True)
    for turn in range(10_000):
        with FileTransaction(root) as transaction:
            transaction.claim(root / "seeds" / name for name in names)
            for name in names:
                with transaction.stage(root / "seeds" / name) as file:
                    for _ in range(size):
                        file.write(str(turn % 10).encode() * 1000)
            transaction.commit(turn, "2026-06-30")
    """
)


def test_a_kill_at_any_moment_leaves_each_file_whole_and_ours(tmp_path):
    names = [f"t{number}.csv" for number in range(12)]
    chance = random.Random(1)
    for _ in range(8):
        command = [sys.executable, "-c", _WRITER, str(tmp_path), ",".join(names), "2"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.01, 0.15))
            child.kill()
        for path in (tmp_path / "seeds").glob("*.csv"):
            text = path.read_text()
            assert text == "next" or text == text[0] * 2_000, "a file is not whole, or of two runs"
        # What is there counts as Seedbed's own, whichever run it is from.
        _run(tmp_path, dict.fromkeys(names, "next"))
        assert _content(tmp_path) == dict.fromkeys(names, "next")


def test_a_full_disk_leaves_everything_as_it_was(tmp_path):
    _run(tmp_path, {"t0.csv": "old", "t1.csv": "old"})
    command = [sys.executable, "-c", _WRITER, str(tmp_path), "t0.csv,t1.csv", "100"]
    limit = 50_000
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        check=False,
    )
    assert "t0.csv cannot be written: File too large" in done.stderr
    assert _content(tmp_path) == {"t0.csv": "old", "t1.csv": "old"}


def test_a_file_that_did_not_reach_the_disk_is_not_taken(tmp_path):
    _run(tmp_path, {"a.csv": "1"})
    with FileTransaction(tmp_path) as transaction:
        with transaction.stage(tmp_path / "seeds" / "b.csv") as file:
            file.write(b"2")
            file.temporary.unlink()
        with pytest.raises(SinkError, match=r"b\.csv cannot be written: No such file") as caught:
            transaction.commit(SEED, AS_OF)
        assert "seedbed-tmp" not in caught.value.diagnostics[0].message
    assert _content(tmp_path) == {"a.csv": "1"}


def test_a_read_only_folder_is_said_to_be_one():
    # Not below pytest's own folder, which only its owner may enter: the superuser hands over to somebody else.
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _run(root, {"t0.csv": "old"})
        (root / "seeds").chmod(0o555)
        root.chmod(0o755)
        nobody = ["65534"] if os.geteuid() == 0 else []
        command = [sys.executable, "-c", _WRITER, str(root), "t0.csv", "1", *nobody]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "t0.csv cannot be written: Permission denied" in done.stderr
        assert _content(root) == {"t0.csv": "old"}
        (root / "seeds").chmod(0o755)


def test_no_temporary_name_is_one_that_dbt_reads():
    assert not TEMPORARY.endswith((".csv", ".yml", ".yaml", ".sql", ".md"))

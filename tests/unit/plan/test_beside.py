"""Files beside the plan: only those below `seedbed/` can be named, and they are written with the plan or not at all."""

import datetime as dt

import pytest

from seedbed.errors import SinkError
from seedbed.plan.beside import BesideError, check_path, fingerprint_of, is_authors, read_beside
from seedbed.plan.files import read_plan, write_plan
from seedbed.plan.spec import Plan

ROWS = "seedbed/rows/branches.csv"
PLAN = Plan(start=dt.date(2024, 1, 1), as_of=dt.date(2026, 6, 30))


@pytest.mark.parametrize("path", [ROWS, "seedbed/a.csv", "seedbed/pools/x-1/b_2.de.jsonl"])
def test_a_path_below_seedbed_is_taken(path):
    check_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "", "seedbed", "branches.csv", "seeds/branches.csv", "/etc/passwd", "seedbed/../seeds/a.csv", "seedbed//a.csv",
        "seedbed/./a.csv", "seedbed\\a.csv", "seedbed/rows/", "seedbed/.env", "seedbed/a b.csv", "seedbed/nul.csv",
        "seedbed/a.csv\n", "seedbed/C:/a.csv", "~/seedbed/a.csv", "SEEDBED/a.csv", "seedbed/ä.csv",
        "seedbed/" + "a" * 300,
    ],
)  # fmt: skip
def test_a_path_that_could_lead_elsewhere_is_refused(path, tmp_path):
    with pytest.raises(BesideError, match="beside the plan"):
        read_beside(tmp_path, path, {path: "even one that is proposed"})


def test_a_proposed_text_comes_before_the_one_on_disk(tmp_path):
    write_plan(PLAN, tmp_path / "seedbed.yml", {ROWS: "old\n"})
    assert read_beside(tmp_path, ROWS) == "old\n"
    assert read_beside(tmp_path, ROWS, {ROWS: "new\n"}) == "new\n"


def test_a_link_out_of_the_folder_is_neither_read_nor_written_through(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("key\n")
    project = tmp_path / "project"
    (project / "seedbed" / "rows").mkdir(parents=True)
    (project / ROWS).symlink_to(secret)
    with pytest.raises(BesideError, match="symbolic link"):
        read_beside(project, ROWS)
    (project / "seedbed" / "pools").symlink_to(tmp_path)
    for name in (ROWS, "seedbed/pools/new.jsonl"):
        with pytest.raises(SinkError, match="hand-written-file"):
            write_plan(PLAN, project / "seedbed.yml", {name: "x"})
    assert secret.read_text() == "key\n"
    assert not (tmp_path / "new.jsonl").exists()
    assert not (project / "seedbed.yml").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no file"), (b"\xff\xfe", "not UTF-8"), (b"x" * 5_000_001, "more than 5,000,000 bytes")],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, said):
    if content is not None:
        (tmp_path / "seedbed" / "rows").mkdir(parents=True)
        (tmp_path / ROWS).write_bytes(content)
    with pytest.raises(BesideError, match=said):
        read_beside(tmp_path, ROWS)


def test_the_plan_remembers_what_its_author_wrote(tmp_path):
    path = tmp_path / "seedbed.yml"
    write_plan(PLAN, path, {ROWS: "code\nA\n"})
    plan, _ = read_plan(path, tmp_path)
    assert plan.file_fingerprints == {ROWS: fingerprint_of("code\nA\n")}
    (tmp_path / ROWS).write_bytes(b"code\r\nA\r\n")  # as git may check it out
    assert is_authors(tmp_path, ROWS, plan.file_fingerprints)
    write_plan(plan, path, {ROWS: "code\nB\n"})
    assert (tmp_path / ROWS).read_text() == "code\nB\n"


def test_a_file_that_a_person_wrote_or_edited_is_left_alone(tmp_path):
    path = tmp_path / "seedbed.yml"
    write_plan(PLAN, path, {ROWS: "code\nA\n"})
    plan, _ = read_plan(path, tmp_path)
    before = path.read_text()
    (tmp_path / ROWS).write_text("code\nmine\n")
    other = "seedbed/rows/other.csv"
    for files in ({other: "x\n", ROWS: "code\nB\n"}, {ROWS: "code\nA\n"}):
        with pytest.raises(SinkError, match="is a person's"):
            write_plan(plan, path, files)
    assert (tmp_path / ROWS).read_text() == "code\nmine\n"
    assert path.read_text() == before
    assert not (tmp_path / other).exists()


def test_files_and_plan_are_written_together_or_not_at_all(tmp_path):
    path = tmp_path / "seedbed.yml"
    write_plan(PLAN, path, {ROWS: "old\n"})
    plan, _ = read_plan(path, tmp_path)
    before = path.read_text()
    path.unlink()
    path.mkdir()  # the plan, which comes last, cannot be replaced
    with pytest.raises(SinkError, match="cannot be written"):
        write_plan(plan, path, {ROWS: "new\n", "seedbed/rows/more.csv": "x\n"})
    assert (tmp_path / ROWS).read_text() == "old\n"
    assert [file.name for file in (tmp_path / ROWS).parent.iterdir()] == ["branches.csv"]
    path.rmdir()
    path.write_text(before)
    write_plan(plan, path, {ROWS: "new\n"})
    assert (tmp_path / ROWS).read_text() == "new\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["seedbed", "seedbed.yml"]


def test_an_author_may_add_to_a_persons_file_and_change_nothing_in_it(tmp_path):
    file = tmp_path / "seedbed" / "pools" / "notes.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("mine\n\n", encoding="utf-8")
    assert is_authors(tmp_path, "seedbed/pools/notes.jsonl", {}, "mine\nadded\n")
    assert not is_authors(tmp_path, "seedbed/pools/notes.jsonl", {}, "added\n")
    assert not is_authors(tmp_path, "seedbed/pools/notes.jsonl", {}, "Mine\nadded\n")
    assert not is_authors(tmp_path, "seedbed/pools/notes.jsonl", {}, "mineral\n")

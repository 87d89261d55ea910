"""Pages in words: which table each belongs to, and that none is left out in silence or read from outside."""

import pytest

from seedbed.parsers import read_schema
from seedbed.parsers.workflow_pages import MAX_PAGE
from worlds import write_project

TABLE = """
    seeds:
      - name: claims
        config: {meta: {seedbed: {lifecycle: {workflow: PAGE}}}}
        columns: [{name: claim_id}, {name: status}]
    sources:
      - name: crm
        tables: [{name: deals, columns: [{name: deal_id}]}]
    """


def read(folder, page="docs/claims.md", **files):
    schema, diagnostics = read_schema(write_project(folder, {"seeds/_s.yml": TABLE.replace("PAGE", page), **files}))
    return schema, {found.code: found for found in diagnostics}


def test_pages_belong_to_the_table_that_names_them_or_is_named_like_them(tmp_path):
    files = {
        "docs/claims.md": "Half are paid.",
        "workflows/Claims.txt": "A third is lost.",
        "workflows/deals.md": "Won or lost.",
    }
    schema, found = read(tmp_path, **files)
    pages = {table.name: {page.origin.file: page.value for page in table.pages} for table in schema}
    assert pages["claims"] == {"docs/claims.md": "Half are paid.", "workflows/Claims.txt": "A third is lost."}
    assert pages["crm.deals"] == {"workflows/deals.md": "Won or lost."}
    assert not {"unknown-page", "page-outside", "workflow-page-unused"} & set(found)


def test_a_page_that_both_name_is_read_once(tmp_path):
    schema, _ = read(tmp_path, "workflows/claims.md", **{"workflows/claims.md": "Half are paid."})
    assert len(schema.table("claims").pages) == 1


def test_a_page_of_no_table_is_reported(tmp_path):
    _, found = read(tmp_path, **{"docs/claims.md": "Half.", "workflows/clams.md": "Half."})
    assert found["workflow-page-unused"].location.file == "workflows/clams.md"
    assert "claims" in found["workflow-page-unused"].hint


@pytest.mark.parametrize(
    ("page", "code"),
    [("docs/clams.md", "unknown-page"), ("../claims.md", "page-outside"), ("/etc/hosts.txt", "page-outside")],
)
def test_pages_that_are_not_there_or_not_the_projects(page, code, tmp_path):
    (tmp_path / "claims.md").write_text("secret")
    schema, found = read(tmp_path / "project", page, **{"docs/claims.md": "Half."})
    assert found[code].location.file == "seeds/_s.yml"
    assert schema.table("claims").pages == ()


def test_a_link_out_of_the_project_is_not_followed(tmp_path):
    (tmp_path / "secret.md").write_text("secret")
    folder = write_project(tmp_path / "project", {"docs/claims.md": "Half.", "workflows/readme": ""})
    (folder / "workflows/claims.md").symlink_to(tmp_path / "secret.md")
    schema, found = read(folder)
    assert found["page-outside"].location.file == "workflows/claims.md"
    assert [page.value for page in schema.table("claims").pages] == ["Half."]


def test_a_long_page_is_cut_and_said_to_be(tmp_path):
    schema, found = read(tmp_path, **{"docs/claims.md": "Half are paid. " * 1_000})
    assert len(schema.table("claims").pages[0].value) == MAX_PAGE
    assert "14,999 characters" in found["page-too-long"].message

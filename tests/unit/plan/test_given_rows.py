"""Rows that stand in a file beside the plan: taken as they are, completed, referred to, and checked line by line."""

import datetime as dt
from decimal import Decimal

import pytest

from seedbed.engine.world import World
from seedbed.errors import GenerationError, Severity
from worlds import make, resolve_text, schema_from, seeds, try_resolve, values

PROPERTIES = seeds(
    countries="code varchar(2) unique not_null, name varchar",
    branches="branch_id integer unique not_null, name varchar(12) unique not_null, country_code varchar(2),"
    " opened_on date, capital decimal(8,2), is_open boolean, head_id integer",
    orders="order_id integer unique not_null, branch_id integer, branch varchar, country varchar",
)
PLAN = """
tables:
  countries: {rows: "from('seedbed/rows/countries.csv')", columns: {}}
  branches:
    rows: from('seedbed/rows/branches.csv')
    columns:
      branch_id: sequence(10, 10)
      country_code: foreign_key('countries', null=0.5)
      head_id: integer(1, 9)
  orders:
    rows: 200
    columns:
      order_id: sequence()
      branch_id: foreign_key('branches')
      branch: copy('branch_id.name')
      country: copy('branch_id.country_code.name')
"""
COUNTRIES = "Code,name\nDE,Germany\nSE,Sweden\n"
BRANCHES = """\
name,country_code,opened_on,capital,is_open
"Köln, Mitte",DE,1998-05-01,1200.50,true
Malmö,SE,,7,FALSE
Nowhere,,2001-02-03,,
"""


def project(folder, branches=BRANCHES, countries=COUNTRIES, properties=PROPERTIES):
    files = {"seedbed/rows/branches.csv": branches, "seedbed/rows/countries.csv": countries}
    return schema_from(folder, properties, **files)


def problems(folder, plan=PLAN, severity=Severity.ERROR, **parts):
    resolved, found = try_resolve(project(folder, **parts), plan)
    assert (resolved is None) == any(item.severity is Severity.ERROR for item in found)
    return [item for item in found if item.severity is severity]


def test_rows_of_a_file_are_taken_and_completed(tmp_path):
    branches = values(resolve_text(project(tmp_path), PLAN), "branches")
    assert branches["branch_id"] == [10, 20, 30]
    assert branches["name"] == ["Köln, Mitte", "Malmö", "Nowhere"]
    assert branches["country_code"] == ["DE", "SE", None]
    assert branches["opened_on"] == [dt.date(1998, 5, 1), None, dt.date(2001, 2, 3)]
    assert branches["capital"] == [Decimal("1200.50"), Decimal("7.00"), None]
    assert branches["is_open"] == [True, False, None]
    assert all(1 <= head <= 9 for head in branches["head_id"])


def test_children_refer_to_them_and_read_through_them(tmp_path):
    resolved = resolve_text(project(tmp_path), PLAN)
    orders = values(resolved, "orders")
    assert set(orders["branch_id"]) == {10, 20, 30}
    named = {10: ("Köln, Mitte", "Germany"), 20: ("Malmö", "Sweden"), 30: ("Nowhere", None)}
    assert list(zip(orders["branch"], orders["country"], strict=True)) == [named[key] for key in orders["branch_id"]]


def test_growth_does_not_multiply_them_and_moves_nothing(tmp_path):
    schema = project(tmp_path)
    small, large = (resolve_text(schema, PLAN, scale=scale) for scale in (1.0, 3.0))
    assert make(small, "branches").equals(make(large, "branches"))
    before, after = make(small, "orders"), make(large, "orders")
    assert len(after) == 3 * len(before)
    assert after.slice(0, len(before)).equals(before)
    _, found = try_resolve(schema, PLAN, rows={"branches": 50})
    assert [item.code for item in found] == ["rows-follow"]
    assert "edit seedbed/rows/branches.csv" in str(found[0])


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("Ulm,XX,,,", "no-parent", "country_code refers to countries, which has no 'XX'"),
        ("Malmö,SE,,,", "not-unique", "'Malmö' stands in lines 3, 5"),
        (",DE,,,", "nulls-forbidden", "branches.name must not be null"),
        ("Stockholm City,SE,,,", "wrong-type", "it has 14 characters; at most 12 fit"),
        ("Ulm,DE,2024-02-30,,", "wrong-type", "there is no such one"),
        ("Ulm,DE,1.2.2024,,", "wrong-type", "such as 2026-01-31"),
        ("Ulm,DE,,twelve,", "wrong-type", "a number was expected, such as 12.50"),
        ("Ulm,DE,,1.005,", "wrong-type", "only 2 digits after the point fit"),
        ("Ulm,DE,,1234567,", "wrong-type", "only 6 digits before the point fit"),
        ("Ulm,DE,,,perhaps", "wrong-type", "true or false was expected"),
        ("=cmd(),DE,,,", "text-formula", "begins like a formula"),
        ("{{ x }},DE,,,", "text-jinja", "dbt would render"),
        ("U\u200blm,DE,,,", "text-invisible", "leave it out"),
        ("Ulm,DE,,", "csv-fields", "the row has 4 fields, the header 5"),
    ],
)
def test_what_is_wrong_is_reported_with_its_line(tmp_path, line, code, said):
    plan = PLAN.replace("branches:\n    rows", "branches:\n    by: llm\n    rows")
    found = problems(tmp_path, plan, branches=BRANCHES + line + "\n")
    assert [item.code for item in found] == [code], [str(item) for item in found]
    assert said in str(found[0])
    assert (found[0].location.file, found[0].location.line) == ("seedbed/rows/branches.csv", 5)
    if code != "csv-fields":
        assert found[0].location.path in ("name", "country_code", "opened_on", "capital", "is_open")


def test_all_that_is_wrong_is_reported_at_once(tmp_path):
    found = problems(tmp_path, branches=BRANCHES + "Ulm,XX,never,?,\n,DE,,,\n")
    assert [(item.code, item.location.line) for item in found] == [
        ("nulls-forbidden", 6), ("wrong-type", 5), ("wrong-type", 5), ("no-parent", 5),
    ]  # fmt: skip


def test_what_a_person_wrote_is_only_warned_about(tmp_path):
    found = problems(tmp_path, severity=Severity.WARNING, branches=BRANCHES + "=2+3,DE,,,\n")
    assert [item.code for item in found] == ["text-formula"]


@pytest.mark.parametrize(
    ("header", "code", "said"),
    [
        ("name,country", "unknown-column", "did you mean country_code?"),
        ("name,Name", "duplicate-column", '"name" stands twice'),
        ("", "csv-empty", "no header"),
    ],
)
def test_a_header_that_does_not_fit_is_reported(tmp_path, header, code, said):
    found = problems(tmp_path, branches=f"{header}\nUlm,DE\n" if header else "")
    assert code in [item.code for item in found]
    assert said in "\n".join(map(str, found))


def test_a_file_that_is_not_there_is_reported_where_the_plan_names_it(tmp_path):
    found = problems(tmp_path, PLAN.replace("rows/branches", "rows/branch"))
    assert [item.code for item in found] == ["no-rows-file"]
    assert "there is no file seedbed/rows/branch.csv" in str(found[0])
    assert found[0].location.file == "seedbed.yml"


def test_proposed_texts_stand_in_for_files(tmp_path):
    schema = schema_from(tmp_path, PROPERTIES)
    resolved, found = try_resolve(
        schema, PLAN, files={"seedbed/rows/branches.csv": BRANCHES, "seedbed/rows/countries.csv": COUNTRIES}
    )
    assert not found
    assert values(resolved, "countries")["name"] == ["Germany", "Sweden"]


def test_keys_that_are_generated_are_found_when_rows_are_made(tmp_path):
    """A file may refer to a table whose keys do not stand in a file: its rows are looked through."""
    schema = schema_from(
        tmp_path,
        seeds(teams="team varchar unique not_null", people="name varchar, team varchar, lead varchar"),
        **{"seedbed/rows/people.csv": "name,team\nAda,T-002\nBob,\nCy,T-001\n"},
    )
    plan = """
    tables:
      teams: {rows: 3, columns: {team: "pattern('T-{n:03}')"}}
      people:
        rows: from('seedbed/rows/people.csv')
        columns: {team: foreign_key('teams'), lead: "template('{team}!')"}
    """
    resolved = resolve_text(schema, plan)
    assert values(resolved, "people")["team"] == ["T-002", None, "T-001"]
    assert values(resolved, "people")["lead"] == ["T-002!", None, "T-001!"]
    (tmp_path / "seedbed/rows/people.csv").write_text("name,team\nAda,T-002\nBob,T-009\n")
    with pytest.raises(GenerationError, match=r"people.csv:3 refers to teams 'T-009', which is not there"):
        make(resolve_text(schema, plan), "people")


def test_a_tree_may_stand_in_a_file(tmp_path):
    schema = schema_from(
        tmp_path,
        seeds(areas="area varchar unique not_null, above varchar, top varchar"),
        **{"seedbed/rows/areas.csv": "area,above\nEU,\nSE,EU\nMalmö,SE\n"},
    )
    plan = """
    tables:
      areas:
        rows: from('seedbed/rows/areas.csv')
        columns: {above: "foreign_key('areas', 'area', null=0.1)", top: copy('above.above')}
    """
    areas = values(resolve_text(schema, plan), "areas")
    assert areas["above"] == [None, "EU", "SE"]
    assert areas["top"] == [None, None, "EU"]


def test_a_composite_key_stands_in_a_file_whole_or_not_at_all(tmp_path):
    properties = """
    version: 2
    seeds:
      - name: sites
        config: {meta: {seedbed: {primary_key: [country, site_no]}}}
        columns: [{name: country, data_type: varchar}, {name: site_no, data_type: integer}]
      - name: visits
        config:
          meta:
            seedbed:
              foreign_keys: [{columns: [country, site_no], to: sites, to_columns: [country, site_no]}]
        columns: [{name: country, data_type: varchar}, {name: site_no, data_type: integer}, {name: note}]
    """
    plan = """
    tables:
      sites: {rows: "from('seedbed/rows/sites.csv')"}
      visits:
        rows: from('seedbed/rows/visits.csv')
        columns:
          country: foreign_key('sites', 'country')
          site_no: foreign_key('sites', 'site_no')
          note: constant('x')
    """
    files = {"seedbed/rows/sites.csv": "country,site_no\nDE,1\nDE,2\nSE,1\n"}
    good = schema_from(tmp_path, properties, **files, **{"seedbed/rows/visits.csv": "country,site_no\nSE,1\nDE,2\n"})
    assert values(resolve_text(good, plan), "visits")["site_no"] == [1, 2]
    for text, code, said in (
        ("country,site_no\nSE,2\n", "no-parent", "no 'SE, 2'"),
        ("country,note\nSE,x\n", "foreign-key-half-given", "only country stand in seedbed/rows/visits.csv"),
    ):
        (tmp_path / "seedbed/rows/visits.csv").write_text(text)
        resolved, found = try_resolve(good, plan)
        assert resolved is None
        assert code in [item.code for item in found]
        assert said in "\n".join(map(str, found))
    (tmp_path / "seedbed/rows/visits.csv").write_text("country,site_no\nDE,1\n")
    (tmp_path / "seedbed/rows/sites.csv").write_text("country,site_no\nDE,1\nDE,1\n")
    _, found = try_resolve(good, plan)
    assert "(country, site_no) of sites is to be unique" in "\n".join(map(str, found))


def test_an_entry_of_a_person_beside_the_file_is_said_to_be_unused(tmp_path):
    plan = PLAN.replace("branch_id: sequence(10, 10)", "branch_id: sequence(10, 10)\n      name: fake('city')")
    found = problems(tmp_path, plan, severity=Severity.WARNING)
    assert [item.code for item in found] == ["not-used"]


def test_every_type_is_read_as_the_engine_reads_it(tmp_path):
    kinds = {
        "integer": "-7", "decimal(6,3)": "+1.250", "double": "1.5e3", "boolean": "True", "date": "2024-02-29",
        "timestamp": "2024-02-29 08:00:00", "timestamp with time zone": "2024-02-29T08:00", "time": "08:30:00",
        "uuid": "6F9619FF-8B86-4D01-B42D-00C04FC964FF", "json": '{"a": 1}', "varchar": " x ",
    }  # fmt: skip
    columns = ", ".join(f"c{at} {kind.replace(' ', '_')}" for at, kind in enumerate(kinds))
    properties = seeds(t=columns).replace("timestamp_with_time_zone", "timestamp with time zone")
    quoted = ",".join('"' + text.replace('"', '""') + '"' for text in kinds.values())
    header = ",".join(f"c{at}" for at in range(len(kinds)))
    schema = schema_from(tmp_path, properties, **{"seedbed/rows/t.csv": f"{header}\n{quoted}\n"})
    resolved = resolve_text(schema, "tables: {t: {rows: \"from('seedbed/rows/t.csv')\"}}")
    made = {name: column[0] for name, column in make(resolved, "t", world=World(resolved)).to_pydict().items()}
    assert [made[f"c{at}"] for at in range(len(kinds))] == [
        -7, Decimal("1.250"), 1500.0, True, dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 8),
        dt.datetime(2024, 2, 29, 8, tzinfo=dt.UTC), dt.time(8, 30), "6F9619FF-8B86-4D01-B42D-00C04FC964FF",
        '{"a": 1}', " x ",
    ]  # fmt: skip

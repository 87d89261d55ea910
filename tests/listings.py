"""A small project with two short tables, and an LLM's answers for it."""

import json

PROPERTIES = """
version: 2
seeds:
  - name: country
    columns:
      - {name: code, data_type: varchar(2), data_tests: [unique, not_null]}
      - {name: name, data_type: varchar(30)}
  - name: branch
    description: Where we sell.
    columns:
      - {name: branch_id, data_type: integer, data_tests: [unique, not_null]}
      - {name: name, data_type: varchar(20), data_tests: [unique, not_null]}
      - name: country_code
        data_type: varchar(2)
        data_tests: [{relationships: {arguments: {to: ref('country'), field: code}}}]
      - name: tier
        data_type: varchar
        data_tests: [{accepted_values: {arguments: {values: [gold, silver]}}}]
      - {name: opened_on, data_type: date}
  - name: sale
    columns:
      - {name: sale_id, data_type: integer, data_tests: [unique, not_null]}
      - name: branch_id
        data_type: integer
        data_tests: [not_null, {relationships: {arguments: {to: ref('branch'), field: branch_id}}}]
      - {name: remark, data_type: varchar}
"""
COUNTRY = {"table": "country", "columns": ["code", "name"], "rows": [["DE", "Germany"], ["SE", "Sweden"]]}
BRANCH = {
    "table": "branch",
    "columns": ["name", "country_code", "tier", "opened_on"],
    "rows": [["Köln", "DE", "gold", "1998-05-01"], ["Malmö", "SE", "silver", None]],
}
COLUMNS = json.dumps(
    {
        "tables": [
            {"table": "sale", "rows": "50", "columns": [{"column": "remark", "generator": "choice(['ok', 'late'])"}]}
        ]
    }
)
COUNTRIES_FILE, BRANCHES_FILE = "seedbed/rows/country.csv", "seedbed/rows/branch.csv"


def rows(*tables):
    return {"say": json.dumps({"tables": list(tables)})}


def changed(table, **changes):
    """A table of an answer with one row more, in which some values differ from those of the first."""
    first = dict(zip(table["columns"], table["rows"][0], strict=True))
    return {**table, "rows": [*table["rows"], [{**first, **changes}[name] for name in table["columns"]]]}

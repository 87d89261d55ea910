"""What the names of tables and columns say: the subject of a table, the kind of a column's values."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from fnmatch import translate
from pathlib import Path

from seedbed.schema import TypeKind

PERSONS = frozenset(
    [
        "actor", "adjuster", "adviser", "advisor", "agent", "applicant", "artist", "assignee", "attendee", "author",
        "beneficiary", "borrower", "buyer", "caller", "candidate", "caregiver", "citizen", "claimant", "client",
        "clinician", "coach", "consultant", "contact", "customer", "debtor", "director", "doctor", "driver", "editor",
        "employee", "engineer", "guardian", "guest", "handler", "holder", "individual", "instructor", "inspector",
        "insured", "lead", "learner", "librarian", "manager", "member", "nurse", "officer", "operator", "owner",
        "participant", "passenger", "patient", "payer", "people", "performer", "person", "physician", "player",
        "policyholder", "professor", "prospect", "recipient", "referee", "rep", "reporter", "representative",
        "requester", "researcher", "resident", "respondent", "reviewer", "rider", "sender", "shopper", "speaker",
        "staff", "student", "subscriber", "supervisor", "teacher", "technician", "tenant", "therapist", "traveler",
        "traveller", "tutor", "user", "visitor", "voter", "witness", "worker",
    ]
)  # fmt: skip
COMPANIES = frozenset(
    [
        "account", "agency", "airline", "bank", "brand", "broker", "business", "carrier", "charity", "clinic",
        "company", "contractor", "distributor", "employer", "firm", "hospital", "institution", "insurer", "issuer",
        "manufacturer", "merchant", "organisation", "organization", "partner", "provider", "publisher", "reseller",
        "retailer", "seller", "shipper", "sponsor", "subsidiary", "supplier", "team", "university", "vendor",
    ]
)  # fmt: skip

FITS = {
    "boolean": {TypeKind.BOOLEAN, TypeKind.INTEGER, TypeKind.TEXT},
    "text": {TypeKind.TEXT},
    "integer": {TypeKind.INTEGER, TypeKind.DECIMAL, TypeKind.FLOAT},
    "number": {TypeKind.DECIMAL, TypeKind.FLOAT, TypeKind.INTEGER},
    "date": {TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ, TypeKind.TEXT},
    "moment": {TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ, TypeKind.DATE, TypeKind.TEXT},
    "time": {TypeKind.TIME, TypeKind.TEXT},
    "json": {TypeKind.JSON, TypeKind.TEXT},
}
"""The families of values that `column_names.txt` speaks of, with the types that a column of each may have."""

_IRREGULAR = {"people": "person", "children": "child", "staff": "staff", "data": "data", "series": "series",
              "addresses": "address", "statuses": "status", "analyses": "analysis", "movies": "movie"}  # fmt: skip
_DIALECT_WORDS = frozenset(
    ["dim", "fact", "fct", "stg", "raw", "src", "source", "base", "int", "tbl", "table", "d", "f", "ods", "dwh", "dw",
     "hist", "history", "scd", "scd2", "snapshot", "snap", "seed", "ref", "lkp", "lookup", "bridge", "brg", "map",
     "mart", "master", "current", "latest", "t", "hub", "sat", "lnk", "mst"]
)  # fmt: skip


def snake(name: str) -> str:
    """`CustomerID` and `Customer ID` as `customer_id`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[\W_]+", "_", spaced).strip("_").lower()


def singular(word: str) -> str:
    """An English noun's singular, by its ending; a last word of several is enough."""
    head, _, last = word.rpartition("_")
    stem = f"{head}_" if head else ""
    if last in _IRREGULAR:
        return stem + _IRREGULAR[last]
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("zes", "z")):
        if last.endswith(ending) and len(last) > len(ending) + 1:
            return stem + last.removesuffix(ending) + instead
    if last.endswith("s") and not last.endswith(("ss", "us", "is", "news")) and len(last) > 2:
        return stem + last[:-1]
    return word


@functools.lru_cache(maxsize=4_096)
def subject(table: str) -> str:
    """What a table is about, in the singular: `raw.stg_customers` and `dim_customer` are about a `customer`."""
    words = snake(table.rpartition(".")[2]).split("_")
    while len(words) > 1 and words[0] in _DIALECT_WORDS:
        words = words[1:]
    while len(words) > 1 and (words[-1] in _DIALECT_WORDS or re.fullmatch(r"v?\d+", words[-1])):
        words = words[:-1]
    return singular("_".join(words))


def read_name(name: str, table: str = "", kind: TypeKind | None = None) -> tuple[str, str] | None:
    """What a rule makes of a column's name: the family of its values and the generator; None when no rule fits.

    Args:
        name: the column's name.
        table: its table's name.
        kind: the column's type, if it declares one; rules for other families do not fit.
    """
    own, about = snake(name), subject(table)
    candidates = [own] if own.startswith(about) or not about else [f"{about}_{own}", own]
    for family, patterns, generator in _compiled():
        if kind is not None and kind not in FITS[family]:
            continue
        if any(patterns.fullmatch(candidate) for candidate in candidates):
            return family, generator
    return None


@functools.cache
def _compiled() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """The entries of `column_names.txt`: family, names, generator."""
    lines = Path(__file__).with_name("column_names.txt").read_text(encoding="utf-8").splitlines()
    rules: list[tuple[str, list[str], str]] = []
    for line in lines:
        if line.startswith(" "):
            rules[-1][1].extend(line.split())
        elif line and not line.startswith("#"):
            family, _, generator = line.partition(": ")
            rules.append((family, [], generator))
    return tuple((family, re.compile("|".join(_globs(names))), generator) for family, names, generator in rules)


def _globs(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        text = name.removeprefix("~")
        pattern = translate(text.replace("<person>", "@").replace("<company>", "%"))
        for mark, words in (("@", PERSONS), ("%", COMPANIES)):
            pattern = pattern.replace(mark, f"(?:{'|'.join(sorted(words))})")
        yield f"(?:.*_)?{pattern}" if name.startswith("~") else pattern

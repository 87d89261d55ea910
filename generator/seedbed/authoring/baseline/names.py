"""What the names of tables and columns say: the subject of a table, the kind of a column's values."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
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
        "parent", "profile", "pupil", "vet", "veterinarian",
        "traveller", "tutor", "user", "visitor", "voter", "witness", "worker",
    ]
)  # fmt: skip
COMPANIES = frozenset(
    [
        "account", "agency", "airline", "bank", "brand", "broker", "business", "carrier", "charity", "clinic",
        "company", "contractor", "distributor", "employer", "firm", "hospital", "institution", "insurer", "issuer",
        "manufacturer", "merchant", "org", "organisation", "organization", "partner", "provider", "publisher",
        "reseller",
        "retailer", "seller", "shipper", "sponsor", "subsidiary", "supplier", "team", "university", "vendor",
    ]
)  # fmt: skip
LASTING = re.compile(
    r"(?:^|_)(?:subscription|contract|policy|membership|employment|position|(?<!_)job|account|loan|lease|licen[cs]e|"
    r"enrol+ment|tenancy|asset|vehicle|device|meter|tariff|rate|price|warranty|" + "|".join(sorted(PERSONS)) + r")$"
)
"""What tables are about whose rows stay as they are for months rather than days."""
ANIMALS = frozenset(["animal", "bird", "cat", "cow", "dog", "horse", "pet", "rabbit"])

_REFERENCE = frozenset(
    [
        "area", "brand", "category", "channel", "city", "class", "code", "color", "continent", "country",
        "currency", "department", "gender", "genre", "group", "industry", "kind", "language", "level", "location",
        "method", "priority", "profile", "province", "reason", "region", "role", "segment", "severity", "stage",
        "state", "status", "subject", "tag", "tier", "topic", "type", "unit", "warehouse", "zone", "store",
        "branch", "plan", "ward", "term", "semester", "carrier", "depot", "hub", "office", "shop", "facility",
        "terminal", "macro",
    ]
)  # fmt: skip
"""What short lists of kinds of things are about."""

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

_MORE_WORDS = frozenset(
    ["accountholder", "age", "accepted", "cardholder", "database", "deadline", "flagship", "lineage", "marketplace",
     "placeholder", "salesperson", "shareholder", "weekend",
     "base", "billed", "class", "client", "cookie", "current", "day", "diagnosis", "encounter",
     "end", "expire", "expires", "family", "fee", "frame", "health", "idx", "illness", "item", "job", "key", "lat",
     "license", "line", "lon", "major", "max", "min", "network", "num", "offset", "pending", "procedure", "qty",
     "receive", "row", "server", "site", "sku", "tag", "tax", "terms", "tracker", "trial", "url", "zip"]
)  # fmt: skip
_FIRST, _LAST = frozenset(["is", "has"]), frozenset(["id", "at", "on", "by", "no", "ip", "os"])
"""Words of two letters that count as words at the beginning, or at the end, of words that are run together."""
_IRREGULAR = {"people": "person", "children": "child", "staff": "staff", "data": "data", "series": "series",
              "addresses": "address", "statuses": "status", "analyses": "analysis", "movies": "movie"}  # fmt: skip
_DIALECT_WORDS = frozenset(
    ["dim", "fact", "fct", "stg", "raw", "src", "source", "base", "int", "tbl", "table", "d", "f", "ods", "dwh", "dw",
     "hist", "history", "scd", "scd2", "snapshot", "snap", "seed", "ref", "lkp", "lookup", "bridge", "brg", "map",
     "mart", "master", "current", "latest", "t", "hub", "sat", "lnk", "mst"]
)  # fmt: skip


@functools.lru_cache(maxsize=16_384)
def snake(name: str) -> str:
    """`CustomerID`, `Customer ID` and, of words that are known, `customerid` as `customer_id`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    parts = re.sub(r"[\W_]+", "_", spaced).strip("_").lower().split("_")
    return "_".join(word for part in parts for word in _apart(part))


def _apart(text: str) -> tuple[str, ...]:
    """The words that were run together in a text, if all of them are known; else the text as it is."""
    match = re.fullmatch(r"([a-z]{5,})(\d*)", text)
    if not match or match[1] in _known_words():
        return (text,)
    words = _split(match[1], 4, first=True)
    return (*words, match[2]) if words and match[2] else words or (text,)


def _split(text: str, most: int, first: bool = False) -> tuple[str, ...]:
    """The fewest known words that make up a text, at most so many; none where there are none."""
    if text in _known_words() or (text in _LAST and not first):
        return (text,)
    best: tuple[str, ...] = ()
    for end in range(len(text) - 1, 1, -1) if most > 1 else ():
        head = text[:end]
        if head in _known_words() or (first and head in _FIRST):
            rest = _split(text[end:], most - 1)
            if rest and (not best or len(rest) + 1 < len(best)):
                best = (head, *rest)
    return best


@functools.cache
def _known_words() -> frozenset[str]:
    """The words of `column_names.txt` that are long enough to be told from parts of others, and more of their kind."""
    text = re.sub(r"\(.*\)|<\w+>", " ", _read_rules())
    listed = [line for line in text.splitlines() if line.startswith(" ")]
    words = {word for line in listed for word in re.findall(r"[a-z]+", line) if len(word) > 3}
    return frozenset(words | PERSONS | COMPANIES | _MORE_WORDS)


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


def names_a_list(about: str) -> bool:
    """Whether what a table is about, a singular such as `order_status`, is a kind of things."""
    return about.rpartition("_")[2] in _REFERENCE


_SOME = {"<person>": PERSONS, "<company>": COMPANIES, "<animal>": ANIMALS}


class _Names:
    """Groups of names, and to which of them a name belongs.

    Most are plain: to compile all as patterns took 0.15 s of each command, and to try each in turn as much again.
    """

    def __init__(self, groups: Iterable[Collection[str]]) -> None:
        self._whole: dict[str, list[int]] = {}
        self._ends: dict[str, list[int]] = {}
        self._patterns: list[tuple[re.Pattern[str], int]] = []
        for place, globs in enumerate(groups):
            texts = [text for glob in globs for text in _spelled_out(glob)]
            wild = [_regular(text) for text in texts if "*" in text]
            if wild:
                self._patterns.append((re.compile("|".join(wild)), place))
            for text in texts:
                if "*" not in text:
                    self._whole.setdefault(text.removeprefix("~"), []).append(place)
                    if text.startswith("~"):
                        self._ends.setdefault(text[1:], []).append(place)

    def groups(self, name: str) -> set[int]:
        """The places of the groups that have the name."""
        found = {*self._whole.get(name, ()), *(place for pattern, place in self._patterns if pattern.fullmatch(name))}
        _, mark, end = name.partition("_")
        while mark:
            found.update(self._ends.get(end, ()))
            _, mark, end = end.partition("_")
        return found


@dataclass(frozen=True, slots=True)
class _Rule:
    """One entry of `column_names.txt`; it holds only `beside` a column of such a name, if that is given."""

    family: str
    generator: str
    beside: _Names | None = None


def read_name(
    name: str, table: str = "", kind: TypeKind | None = None, beside: Collection[str] = ()
) -> tuple[str, str] | None:
    """What a rule makes of a column's name: the family of its values and the generator; None when no rule fits.

    Args:
        name: the column's name.
        table: its table's name.
        kind: the column's type, if it declares one; rules for other families do not fit.
        beside: the names of the table's other columns, in snake case.
    """
    own, about = re.sub(r"_\d+(?=_)", "", _without_mark(snake(name), beside)), subject(table)
    candidates = [own] if own.startswith(about) or not about else [f"{about}_{own}", own]
    if own == "name" and about.rpartition("_")[2] in PERSONS and kind in (None, TypeKind.TEXT):
        return "text", "fake('full_name')"
    plain = re.sub(r"_?\d+$", "", own)
    rules, names = _compiled()
    for tried in (candidates, [plain] if plain and plain != own else []):
        for place in sorted(set().union(*map(names.groups, tried))):
            rule = rules[place]
            fits = kind is None or kind in FITS[rule.family]
            if fits and (rule.beside is None or any(map(rule.beside.groups, beside))):
                return rule.family, rule.generator
    return None


_NO_MARKS = frozenset(["is", "no", "id", "to", "by", "on"])


def _without_mark(name: str, beside: Collection[str]) -> str:
    """A name without the one or two letters that all names of its table begin with: `o_orderdate`, `cd_gender`."""
    mark, _, rest = name.partition("_")
    marked = rest and len(mark) <= 2 and mark not in _NO_MARKS and len(beside) >= 2
    return snake(rest) if marked and all(other.startswith(f"{mark}_") for other in beside) else name


@functools.cache
def _compiled() -> tuple[tuple[_Rule, ...], _Names]:
    """The entries of `column_names.txt`, and the names that each of them is for."""
    entries: list[tuple[str, list[str]]] = []
    for line in _read_rules().splitlines():
        if line.startswith(" "):
            entries[-1][1].extend(line.split())
        elif line and not line.startswith("#"):
            entries.append((line, []))
    return tuple(_compile(head) for head, _ in entries), _Names(names for _, names in entries)


def _compile(head: str) -> _Rule:
    family, _, generator = head.partition(": ")
    family, _, beside = family.partition(" beside ")
    return _Rule(family, generator, _Names([beside.split()]) if beside else None)


@functools.cache
def _read_rules() -> str:
    return Path(__file__).with_name("column_names.txt").read_text(encoding="utf-8")


def _spelled_out(glob: str) -> list[str]:
    """A name, or the names that it stands for: `<person>_name` is one for each person."""
    return next(([glob.replace(mark, word) for word in words] for mark, words in _SOME.items() if mark in glob), [glob])


def _regular(glob: str) -> str:
    pattern = translate(glob.removeprefix("~"))
    return f"(?:.*_)?{pattern}" if glob.startswith("~") else pattern

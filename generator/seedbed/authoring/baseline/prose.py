"""What a description says about a column's values, in the turns of phrase that people use for it.

Most projects state formats, lists of values, ranges and references in prose only. Each turn of phrase is one
line of a table below; what fits none of them says nothing here, and never the opposite.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seedbed.schema import Scalar


@dataclass(frozen=True, slots=True)
class Prose:
    """What one description says; a field that is None, False or empty was not said.

    `template` is a `pattern` with `{n:0k}` for its last digits. `refers_to` names a table and perhaps its column
    in the writer's words, `after` another column likewise. `filled_when`, `empty_when` and `empty_until` are the
    words of a condition. `family` is one of those of `column_names.txt`; `meaning` is a generator for values of a
    known kind, such as e-mail addresses.
    """

    template: str | None = None
    values: tuple[Scalar, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    positive: bool = False
    decimals: int | None = None
    length: int | None = None
    refers_to: tuple[str, str | None] | None = None
    after: str | None = None
    filled_when: str | None = None
    empty_when: str | None = None
    empty_until: str | None = None
    optional: bool = False
    required: bool = False
    unique: bool = False
    cents: bool = False
    share: float | None = None
    date_key: bool = False
    family: str | None = None
    meaning: str | None = None


NOTHING = Prose()
MOST_READ = 4_000
"""Characters of a description that are read."""
_I = re.IGNORECASE


def read_prose(text: str | None) -> Prose:
    """Everything that a description says."""
    lines = (text or "").strip()[:MOST_READ]
    if not lines:
        return NOTHING
    flat = re.sub(r"\s+", " ", lines)
    minimum, maximum = _range(flat)
    template = _template(flat)
    filled_when = _first((*_FILLED, _SET), flat)
    family = next((family for family, pattern in _FAMILIES if pattern.search(flat)), None)
    return Prose(
        template=template,
        values=() if template else _values(lines, flat),
        minimum=minimum,
        maximum=maximum,
        positive=bool(_POSITIVE.search(flat)),
        decimals=_decimals(flat),
        length=_length(flat),
        refers_to=read_reference(flat),
        after=_first(_AFTER, flat),
        filled_when=filled_when,
        empty_when=None if filled_when else _first(_EMPTY, flat),
        empty_until=None if filled_when else _first(_UNTIL, flat),
        optional=bool(_OPTIONAL.search(flat)) and not _REQUIRED.search(flat),
        required=bool(_REQUIRED.search(flat)),
        unique=bool(_UNIQUE.search(flat)) and family != "boolean",
        cents=bool(_CENTS.search(flat)),
        share=_share(flat),
        date_key=bool(_DATE_KEY.search(flat)),
        family=family,
        meaning=next((generator for pattern, generator in _MEANINGS if pattern.search(flat)), None),
    )


def read_dependency(rule: str) -> tuple[str, str] | None:
    """The words for what decides and what is decided, in a rule such as "a case belongs to one person"."""
    for pattern in _DEPENDENCIES:
        match = pattern.search(rule)
        if match:
            return match["one"].strip(), match["other"].strip()
    return None


def _first(patterns: Iterable[re.Pattern[str]], text: str) -> str | None:
    return next((match[1].strip() for pattern in patterns if (match := pattern.search(text))), None)


# --- kinds of values -----------------------------------------------------------------------------------------

_MEANINGS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, _I), generator)
    for pattern, generator in (
        (r"\biso[ -]?3166", "fake('country_code')"),
        (r"\biso[ -]?4217|\bcurrency code|three-letter currency", "fake('currency_code')"),
        (r"\btwo-letter country|\bcountry code|\btwo-letter (?:iso )?code\b.{0,30}\bcountry", "fake('country_code')"),
        (r"\bu?uid v?4?\b|\bguid\b|\buuid", "uuid()"),
        (r"\b(?:md5|sha-?\d+|hash(?:ed)?)\b", "hash_key()"),
        (r"\be-?mail address", "fake('email')"),
        (r"\b(?:tele)?phone number", "fake('phone')"),
        (r"\bip(?:v4)? address", "fake('ipv4')"),
        (r"\b(?:url|web address|link to the (?:page|site))\b", "fake('url')"),
        (r"\bstreet and (?:house )?(?:number|no\b)", "fake('street')"),
        (r"\b(?:postal|zip) code\b", "fake('postal_code')"),
        (r"\bun/?locode\b", "pattern('{LETTERS:5}')"),
        (r"\bin the words of\b", "fake('sentence')"),
        (r"\buser agent\b", "fake('user_agent')"),
        (r"\b(?:card|account) ?holder(?:[’']s)? name\b", "fake('full_name')"),
        (r"\bfirst and last name|\bfull name|\bname of the (?:person|customer|employee|user)\b", "fake('full_name')"),
        (r"\bname of the (?:company|organi[sz]ation|supplier|vendor)\b", "fake('company')"),
        (r"\b(?:free[ -]?text|comments? (?:by|from|of)|notes? (?:by|from|of))", "fake('sentence')"),
    )
)

_FAMILIES = (
    (
        "boolean",
        re.compile(
            r"^(?:\w+ )?whether\b|^.{0,40}?(?:\bboolean\b|\btrue (?:if|when)\b|^flags\b"
            r"|\bflag (?:indicating|that|for|if|to)\b"
            r"|\bindicat(?:es|or|ing) (?:if|(?:of )?whether)\b)|^if the\b.{1,60}\bis\b",
            _I,
        ),
    ),
    ("integer", re.compile(r"^(?:the )?(?:total |current )?(?:number|count) of (?!the\b|this\b|each\b|an?\b)", _I)),
    (
        "moment",
        re.compile(
            r"^.{0,30}?(?:\btimestamp\b|\bdate and time\b)|^(?:the )?(?:last |first )?time (?:when|that|the|at)\b", _I
        ),
    ),
    (
        "date",
        re.compile(
            r"^(?:the )?(?:\w+ ){0,2}date(?= (?:when|that|of|on)\b|[.,;]|$)|^(?:the )?day (?:when|on which)\b", _I
        ),
    ),
)
"""Turns of phrase that tell of which family values are, at the beginning: there a description says what it is of."""


# --- formats -------------------------------------------------------------------------------------------------

_DATE_KEY = re.compile(r"\byyyymmdd\b", _I)
_CUE = r"\b(?:like|e\.?\s?g\.?|for example|for instance|such as|example|format(?:ted)?(?: as| like)?|formatted|pattern)"
_EXAMPLE = re.compile(
    _CUE + r"\s*(?:is|of)?\s*[,:=]?\s*[\"'`(]*(?P<token>[A-Za-z0-9#][A-Za-z0-9#_./-]*[A-Za-z0-9#])", _I
)
_NO_CODE = re.compile(
    r"\d{4}-\d\d(-\d\d)?(T.*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d+(\.\d+)*|v?\d+(\.\d+)+|.*\.(com|org|net|pdf|csv|json|txt)|"
    r"https?[:/].*|[yY]{4}[-/.]?[mM]{2}([-/.]?[dD]{2})?|(?i:utf|iso|sha|md)-?\d+(-\d)?"
)
_ALONE = re.compile(r"[A-Z]{2,6}[-_/]?(?:\d{2,4}[-_/])?\d{3,}")
"""A description that is nothing but a code: an example of one."""
_RUN = re.compile(r"\d+|[#]+|[A-Za-z]+|[^A-Za-z0-9#]")


_DIGITS = re.compile(r"\b(\d{1,2})[- ]digits?(?: numbers?)?\b", _I)


def _template(text: str) -> str | None:
    digits = _DIGITS.search(text)
    if digits and 4 <= int(digits[1]) <= 18 and not re.search(r"\b(?:up to|at most|max\w*|or) \d+[- ]digit", text, _I):
        return f"{{n:0{digits[1]}}}"
    if _ALONE.fullmatch(text):
        return _as_template(text)
    for match in _EXAMPLE.finditer(text):
        token = match["token"].rstrip(".")
        if token.isdigit() and len(token) >= 5 and token[0] == "0":
            return f"{{n:0{len(token)}}}"
        if not re.search(r"[\d#]", token) or _NO_CODE.fullmatch(token):
            continue
        if re.search(r"[A-Za-z]", token) or "-" in token or "#" in token:
            return _as_template(token)
    return None


def _as_template(token: str) -> str:
    """`POL-0000042` as `POL-{n:07}`, the form `XX-9999` as `{LETTERS:2}-{n:04}`."""
    runs = [match[0] for match in _RUN.finditer(token)]
    is_form = all(re.fullmatch(r"X+|x+|A{2,}|N{2,}|9+|0+|#+|[^A-Za-z0-9]|[A-Z]{1,6}", run) for run in runs) and any(
        re.fullmatch(r"X{2,}|x{2,}|9{2,}|0{2,}|#+|N{2,}", run) for run in runs
    )
    counted = max((index for index, run in enumerate(runs) if re.fullmatch(r"\d+|#+", run)), default=-1)
    parts = []
    for index, run in enumerate(runs):
        if index == counted:
            parts.append(f"{{n:0{len(run)}}}" if len(run) > 1 or is_form else "{n}")
        elif re.fullmatch(r"20\d\d", run) or run == "YYYY":
            parts.append("{yyyy}")
        elif run.isdigit() or run[0] == "#":
            parts.append(f"{{digits:{len(run)}}}")
        elif is_form and re.fullmatch(r"X+|A{2,}", run):
            parts.append(f"{{LETTERS:{len(run)}}}")
        elif is_form and re.fullmatch(r"x+", run):
            parts.append(f"{{letters:{len(run)}}}")
        else:
            parts.append(run)
    return "".join(parts)


# --- lists of values -----------------------------------------------------------------------------------------

_WORDS = r"[\w'\"`-]+"
_NAMED = rf"{_WORDS}(?: {_WORDS}){{0,2}}"
_CAN_BE = r"(?:are|is|include|includes|can be|may be)"
_LIST_CUE = re.compile(
    rf"\b(?:values?|options?|states?|statuses|types?)(?:\s+{_CAN_BE})?\s*(?:one of)?\s*:\s*(?P<a>[^.;]+)"
    rf"|(?:possible|allowed|valid|accepted|permitted)\s+(?:values?|options?|states?)\s+{_CAN_BE}\s*(?P<b>[^.;]+)"
    r"|\b(?:one|any) of\b(?: the following| these)?(?: values)?\s*:?\s*(?P<c>[^.;]+)"
    r"|\beither\s+(?P<d>[^.;,]+?\s+or\s+[^.;,]+)"
    rf"|\beither\s+(?P<h>{_WORDS}(?:\s*,\s*{_WORDS})+,?\s+or\s+{_WORDS})(?=$|[.;)])"
    rf"|(?:^|[.;]\s+)(?:can|may) be\s+(?P<i>{_NAMED}(?:\s*,\s*{_NAMED})+,?\s+or\s+{_NAMED})(?=$|[.;)])"
    rf"|\b(?:can be|may be|is)\s+(?P<e>{_WORDS}(?:\s*,\s*{_WORDS})*,?\s+or\s+{_WORDS})\s*(?=$|[.;)])"
    rf"|(?:e\.?g\.?|for example|such as)\s*,?:?\s*(?P<f>{_WORDS}(?:\s*,\s*[\w'\"` -]+)*,?\s+(?:or|and)\s+{_WORDS})",
    _I,
)
_PARENTHESES = re.compile(
    r"\(\s*((?:[\"'`]?[a-z][a-z_-]*[\"'`]?\s*[,/|]\s*)+(?:or |and )?[\"'`]?[a-z][a-z_-]*[\"'`]?)\s*\)", _I
)
_CODED = re.compile(
    r"(?<![\w.,-])(\d{1,4})\s*(?:=|:|-|–|is|for|means)?\s*[\"'`(]?([^\W\d_][^\W\d]*(?:[ _-]+[^\W\d]+)*)[\"'`)]?"
    r"(?=\s*(?:[,;./|)，、；）]|\band\b|\bor\b|$))"
)
_CODE_LINE = re.compile(r"^\s*(\d{1,4}|[A-Z][A-Z0-9_]{0,4})\s*[=:]\s*\S.*$", re.M)
_PIPED = re.compile(r"(?<![\w|])[\w-]+(?: ?\| ?[\w-]+)+(?![\w|])")
_PARTED = re.compile(r"[\w-]+(?: / [\w-]+)+")
_LETTERED = re.compile(
    r"(?<![\w-])[\"'`]?([A-Z][A-Z0-9_]{0,4})[\"'`]?\s*(?:\(([a-z][^()]{1,40})\)|(?:=|:)\s*([A-Za-z][\w -]{1,30}))"
)
_SLASHED = re.compile(r"(?<![\w/])((?:[A-Za-z]{1,12})(?:/[A-Za-z]{1,12})+|0/1)(?![\w/])")
_SLASHED_KNOWN = {("y", "n"), ("yes", "no"), ("m", "f"), ("t", "f"), ("true", "false"), ("0", "1"), ("m", "f", "x")}
_TABLE_ROW = re.compile(r"^\s*\|\s*[`*]*([\w][\w -]*?)[`*]*\s*\|.*\|\s*$", re.M)
_BULLET = re.compile(r"^\s*[-*•]\s+[`'\"*]*([\w][\w ]{0,29}?)[`'\"*]*\s*(?:[:=–—]|- |$)", re.M)
_NO_VALUES = frozenset(
    [
        "a", "an", "the", "null", "empty", "blank", "not", "used", "more", "less", "any", "other", "others", "etc",
        "many", "none", "it", "this", "that", "changed", "set", "left", "updated", "deleted", "removed", "unknown",
        "characters", "rows", "column", "columns",
    ]
)  # fmt: skip


def _values(lines: str, flat: str) -> tuple[Scalar, ...]:
    for pattern, skipped in ((_TABLE_ROW, 1), (_BULLET, 0)):
        items = tuple(match[1].strip() for match in pattern.finditer(lines))[skipped:]
        if len(items) >= 2 and len(set(items)) == len(items):
            return items
    codes = tuple(int(code) if code.isdigit() else code for code in _CODE_LINE.findall(lines))
    if len(codes) >= 2 and len(set(codes)) == len(codes):
        return codes
    for reading in (_piped, _coded, _lettered, _cued, _slashed, _parenthesised, _plain):
        found = reading(flat)
        if len(found) >= 2:
            return found
    return ()


def _piped(text: str) -> tuple[Scalar, ...]:
    """`draft|published`, anywhere; `income / expense` when there is nothing else."""
    found = _PIPED.search(text)
    parted = None if found else _PARTED.fullmatch(text.rstrip("."))
    items = [item.strip() for item in re.split(r"[|/]", (found or parted or [""])[0])]
    if len(set(items)) != len(items) or (parted and {item.lower() for item in items} & _THINGS_IN_LISTS):
        return ()
    return tuple(items)


def _coded(text: str) -> tuple[Scalar, ...]:
    """`1 received, 2 in progress, 3 closed`: the numbers are the values."""
    pairs = [(int(match[1]), match[2]) for match in _CODED.finditer(text)]
    numbers = [number for number, _ in pairs]
    steps = sorted(numbers)
    in_turn = numbers == steps and len(set(numbers)) == len(numbers) and numbers[:1] in ([0], [1], [10], [100])
    units = {"characters", "digits", "decimals", "days", "percent", "decimal places", "letters", "hours", "minutes"}
    wordy = any(label.strip().lower() in units for _, label in pairs)
    return tuple(numbers) if len(numbers) >= 2 and in_turn and not wordy else ()


def _lettered(text: str) -> tuple[Scalar, ...]:
    """`A (active), B (blocked)` or `A = active, B = blocked`: the codes are the values."""
    codes = [match[1] for match in _LETTERED.finditer(text)]
    return tuple(codes) if len(set(codes)) == len(codes) else ()


def _cued(text: str) -> tuple[Scalar, ...]:
    for match in _LIST_CUE.finditer(text):
        group = next(name for name, value in match.groupdict().items() if value)
        items = tuple(_items(match[group], most_words=3 if group in "abci" else 2))
        if len(items) >= 2:
            return items
    return ()


def _slashed(text: str) -> tuple[Scalar, ...]:
    for match in _SLASHED.finditer(text):
        parts = match[1].split("/")
        known = tuple(part.lower() for part in parts) in _SLASHED_KNOWN
        if match[1] == "0/1":
            return (0, 1)
        if known or (len(parts) > 2 and len({part.isupper() for part in parts}) == 1):
            return tuple(parts)
    return ()


def _parenthesised(text: str) -> tuple[Scalar, ...]:
    for match in _PARENTHESES.finditer(text):
        items = tuple(_items(match[1], most_words=1))
        if len(items) >= 3 or (len(items) == 2 and re.search(r"\bor\b|[/|]", match[1])):
            return items
    return ()


_PLAIN_LISTS = re.compile(r"^(?:.*?:\s*)?([^.;:]+(?:\.\d+[^.;:]*)*)")
_THINGS_IN_LISTS = frozenset(
    [
        "name", "names", "number", "street", "city", "address", "date", "time", "code", "id", "email", "phone", "price",
        "amount", "description", "title", "country", "house", "zip", "postcode", "type", "unit", "currency", "key",
        "value", "quantity", "comment", "user", "customer", "person", "company", "file", "day", "month", "year",
        "in", "if", "never", "may", "only", "when", "of", "for", "by", "with", "including", "excluding", "per", "from",
    ]
)  # fmt: skip
"""Words for what a column holds, and of sentences: no list of values has them."""
_GLOSSED = re.compile(r"(?:^|[,;]\s*)([A-Z0-9]{1,3}) (?:if|when|for|means) [^,;.]+")
_BARE_GLOSSED = re.compile(r"([A-Z]) ([a-z]+(?: [a-z]+)?)(?:,\s*|$)")


def _plain(text: str) -> tuple[Scalar, ...]:
    """A description, or its first clause, that is nothing but a list: `low, medium or high; most are low`."""
    glossed = _GLOSSED.findall(text)
    bare = _BARE_GLOSSED.findall(text) if re.fullmatch(rf"(?:{_BARE_GLOSSED.pattern})+\.?", text) else []
    if len(glossed) >= 2 or len(bare) >= 2:
        return tuple(dict.fromkeys(glossed or [code for code, _ in bare]))
    if glossed and re.search(r"\b([A-Z0-9]) (?:otherwise|else|if not)", text):
        other = re.search(r"\b([A-Z0-9]{1,3}) (?:otherwise|else|if not)", text)
        return (glossed[0], other[1]) if other else ()
    clause = _PLAIN_LISTS.match(text)
    if clause is None:
        return ()
    listed = clause[1].strip()
    ended = re.search(r"\bor [^,]+$", listed)
    commas = listed.count(",")
    if not ended and (commas < 2 or re.search(r"\band\b", listed) or listed != text.rstrip(" .")):
        return ()
    if not re.match(r"^[\w\"'`]", listed) or (ended and not commas and len(listed.split()) > 3):
        return ()
    items = tuple(_items(listed, most_words=2))
    words = {word for item in items for word in str(item).lower().split()}
    if len(items) < 2 or words & _THINGS_IN_LISTS:
        return ()
    first, rest = str(items[0]), [str(item) for item in items[1:]]
    if first.istitle() and all(item.islower() for item in rest):  # Only because it begins the sentence.
        return (first.lower(), *rest) if len(rest) > 1 else ()
    return items if len({item.istitle() for item in rest}) == 1 else ()


def _items(text: str, most_words: int) -> Iterator[Scalar]:
    """The items of a list in words; nothing when one of them is no value."""
    quoted = re.findall(r"[\"'`“‘]([^\"'`”’]{1,40})[\"'`”’]", text)
    if len(quoted) >= 2:
        yield from dict.fromkeys(quoted)
        return
    text = re.sub(r"\([^)]*\)", "", text)
    items = [item.strip(" \"'`*_") for item in re.split(r"\s*(?:,|/|\||;|\bor\b|\band\b)\s*", text)]
    items = [re.sub(r"^(?:either|the|an?|one of)\s+", "", item) for item in items if item]
    items = [item for item in items if item and item.lower() not in ("etc", "etc.", "others", "other values")]
    for item in items:
        words = item.lower().split()
        if not words or len(words) > most_words or len(item) > 40 or (set(words) & _NO_VALUES and len(words) > 1):
            return
        if len(words[0]) > 1 and words[0] in _NO_VALUES - {"other", "unknown", "none"}:
            return
    if all(re.fullmatch(r"\d{1,9}", item) for item in items):
        yield from dict.fromkeys(int(item) for item in items)
    elif all(re.fullmatch(r"\d{1,9}\.\d{1,6}", item) for item in items):
        yield from dict.fromkeys(float(item) for item in items)
    else:
        yield from dict.fromkeys(items)


# --- numbers -------------------------------------------------------------------------------------------------

_NUMBER = r"(-?\d[\d,_]*+(?:\.\d+)?+)\s*+%?+"
_BOTH = (
    re.compile(rf"\bbetween {_NUMBER} ?(?:and|to|-|–) ?{_NUMBER}", _I),
    re.compile(
        rf"\b(?:from|of|scale|ranges?|ranging|score)(?: of| from|:)? {_NUMBER} ?(?:to|through|until|-|–|\.\.) ?"
        rf"{_NUMBER}",
        _I,
    ),
    re.compile(
        r"(?<![\w.-])(-?\d+)\s?(?:\.\.|–|-|to)\s?(\d+)(?=\s*(?:stars?|points?|scale|rating|percent|%|\)|$))", _I
    ),
)
_LEAST = re.compile(rf"\b(?:at least|minimum(?: of| is|:)?|no less than|not below|>=) {_NUMBER}", _I)
_MOST = re.compile(
    r"\b(?:at most|no more than|maximum(?: of| is|:)?|not above|up to|<=) "
    rf"{_NUMBER}(?!\s*(?:char|letter|digit|decimal|place))",
    _I,
)
_POSITIVE = re.compile(r"\b(?:positive|greater than (?:zero|0)|more than (?:zero|0)|above (?:zero|0))\b", _I)
_NOT_NEGATIVE = re.compile(r"\b(?:non-?negative|never negative|not negative|zero or more)\b", _I)
_PERCENT = re.compile(r"\bpercent(?:age)?\b|\bin %|\(%\)", _I)
_SHARE = re.compile(r"\b(?:fraction|probability|as a share|share between)\b", _I)
_CENTS = re.compile(r"\bin (?:euro |dollar |us )?cents\b|\bminor units?\b|\bin pence\b", _I)
_WORD_NUMBERS = {"no": 0, "one": 1, "two": 2, "three": 3, "four": 4, "six": 6}
_DECIMALS = re.compile(
    r"\b(\d|no|one|two|three|four|six) (?:decimals?|decimal places?|digits after the (?:point|comma))\b", _I
)
_LENGTH = re.compile(
    r"\b(?:up to|at most|maximum(?: of)?|max\.?|length(?: of)?:?|limited to|no more than)"
    r"\s*(\d{1,5})(?:\s*(?:char|letter|digit)\w*)?|\b(\d{1,5})[- ](?:char|letter)\w*",
    _I,
)


def _as_number(text: str) -> float:
    return float(re.sub(r"[,_]", "", text))


def _range(text: str) -> tuple[float | None, float | None]:
    for pattern in _BOTH:
        match = pattern.search(text)
        if match and _as_number(match[1]) < _as_number(match[2]):
            return _as_number(match[1]), _as_number(match[2])
    least, most = _LEAST.search(text), _MOST.search(text)
    minimum = _as_number(least[1]) if least else None
    maximum = _as_number(most[1]) if most else None
    if minimum is None and (_POSITIVE.search(text) or _NOT_NEGATIVE.search(text)):
        minimum = 0.0
    if minimum is None and maximum is None:
        if _PERCENT.search(text):
            return 0.0, 100.0
        if _SHARE.search(text):
            return 0.0, 1.0
    return (None, None) if minimum is not None and maximum is not None and minimum > maximum else (minimum, maximum)


def _decimals(text: str) -> int | None:
    match = _DECIMALS.search(text)
    if not match:
        return None
    word = match[1].lower()
    return int(word) if word.isdigit() else _WORD_NUMBERS[word]


_ABOUT = re.compile(
    r"\b(?:about|around|roughly|approximately|some|circa|ca\.|true (?:for|in)) ?(\d{1,2}(?:\.\d+)?) ?%", _I
)


def _share(text: str) -> float | None:
    """`flagged by fraud detection (about 1%)`: how often something holds."""
    match = _ABOUT.search(text)
    return float(match[1]) / 100 if match else None


def _length(text: str) -> int | None:
    for match in _LENGTH.finditer(text):
        if re.search(r"char|letter|length", match[0], _I):
            return int(match[1] or match[2])
    return None


# --- other columns and tables --------------------------------------------------------------------------------

_NAME = r"[\"'`]?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)[\"'`]?"
_TO = (
    re.compile(rf"\blinks? to {_NAME} (?:in|of) (?:the )?(?:table )?{_NAME}", _I),
    re.compile(rf"\b(?:join(?:s|ed)?|key|column|field) {_NAME} (?:in|of) the table {_NAME}", _I),
)
_TABLE = (
    re.compile(
        r"\b(?:foreign key|fk)\s*(?:\(\w+\))?\s*(?:to|for|of|on|into|referencing|references|->|:)"
        rf"\s*(?:the )?(?:table )?{_NAME}",
        _I,
    ),
    re.compile(
        r"\b(?:references|refers to|referencing|points to|links? to|linked to|joins? (?:to|with|on))"
        rf"\s+(?:the )?(?:table |key of |id of )?(?:the )?{_NAME}",
        _I,
    ),
    re.compile(rf"\b(?:key|id|identifier) (?:of|in|from) (?:the )?{_NAME} table", _I),
    re.compile(rf"\bfrom the {_NAME} (?:table|dimension)", _I),
    re.compile(r"(?:->|→|=>)\s*[\"'`]?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)"),
    re.compile(r"\b(?:key|id|identifier|number|code) of the (?:\w+['’]s )?([A-Za-z_]\w*)", _I),
)


def read_reference(text: str) -> tuple[str, str | None] | None:
    """The table that a description says the column refers to, and its column, in the writer's words."""
    for pattern in _TO:
        match = pattern.search(text)
        if match:
            return match[2], match[1]
    for pattern in _TABLE:
        match = pattern.search(text)
        if match:
            table, _, column = match[1].rpartition(".")
            return (table, column) if table else (column, None)
    return None


_END = r"(?=$|[.;,)]| and )"
_NULL = r"(?:null|empty|blank|missing|not set|unset|not filled)"
_AFTER = (
    re.compile(
        r"\b(?:always |never )?(?:on or after|not before|after|later than|no earlier than|not earlier than) (?:the )?"
        rf"([a-z][\w ]{{2,40}}?){_END}",
        _I,
    ),
)
_EMPTY = (re.compile(rf"\b{_NULL} (?:while|when|if|as long as|for) ([^.;,)]+?){_END}", _I),)
_UNTIL = (re.compile(rf"\b{_NULL} (?:until|till|before) ([^.;,)]+?){_END}", _I),)
_FILLED = (
    re.compile(rf"\b{_NULL} (?:unless|except (?:when|if|for)|if not) ([^.;,)]+?){_END}", _I),
    re.compile(
        r"\bonly (?:set|filled(?: in)?|populated|present|available|given|used|for|when|if)"
        rf"(?: (?:when|if|once|for|after))? ([^.;,)]+?){_END}",
        _I,
    ),
)
_SET = re.compile(rf"\b(?:set|filled(?: in)?|populated|known) (?:once|only when|only if|when|if) ([^.;,)]+?){_END}", _I)
_OPTIONAL = re.compile(
    r"\boptional\b|\bnullable\b|\b(?:may|can) be (?:null|empty|blank|missing)\b"
    r"|\b(?:if (?:any|applicable|known|available|present|given)|where (?:known|applicable))(?=\s*(?:$|[.,;)]))"
    r"|\b(?:null|empty|blank) (?:if|while|until|when|unless|for)\b",
    _I,
)
_REQUIRED = re.compile(
    r"\bnever (?:null|empty)\b|\bnot null\b|\brequired\b|\bmandatory\b|\balways (?:set|present|filled)\b", _I
)
_UNIQUE = re.compile(
    r"\bunique(?! (?:per|within|for each|together|in combination|visitors|users|customers|count))\b", _I
)

_DEPENDENCIES = (
    re.compile(
        r"\b(?:a single|each|every|any|one|an?) (?P<one>[A-Za-z_]\w*(?: (?!is\b|has\b)[a-z_]\w*)?) "
        r"(?:is associated with|belongs to|is linked to|has|is of|is handled by|concerns|refers to) "
        r"(?:exactly |only |just )?(?:one|a single) (?P<other>[A-Za-z_]\w*(?: (?!only)[a-z_]\w*)?)(?: only)?"
        r"(?=$|[.,;])",
        _I,
    ),
)

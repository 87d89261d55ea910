"""Money that follows from other money: a line from its product's price, a total from its lines, a payment from a bill.

Only what a name alone had guessed gives way to such an equation; bounds that the project declares stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from seedbed.authoring.baseline.names import snake
from seedbed.authoring.baseline.prose import NOTHING
from seedbed.authoring.baseline.sketch import Link, Sketch, Sketches, quoted
from seedbed.authoring.baseline.stages import named_stage
from seedbed.plan import kinds
from seedbed.schema import Column, TypeKind

_NUMERIC = (TypeKind.INTEGER, TypeKind.DECIMAL, TypeKind.FLOAT)
_COUNTS = ("quantity", "qty", "units")
_PRICES = ("unit_price", "list_price", "price", "item_price", "retail_price", "selling_price", "sale_price", "msrp")
_COSTS = ("unit_cost", "cost", "cost_price", "supply_cost", "purchase_price")
_LINE_TOTALS = ("line_total", "extended_price", "total_price", "line_amount", "item_total", "extended_amount")
_TOTALS_OF_LINES = ("amount", "total", "net_amount")
_LINES = re.compile(r"_(?:line|item|detail|position)$")
_BASES = ("subtotal", "sub_total", "items_total", "lines_total", "net_amount", "net_total")
_GRAND_TOTALS = ("total", "total_amount", "grand_total", "order_total", "invoice_total", "amount_due", "gross_amount")
_TAXES, _TAX_RATES = ("tax", "tax_amount", "vat", "vat_amount", "sales_tax", "tax_total"), (0.06, 0.1)
_ADDED = (*_TAXES, "shipping", "shipping_cost",
          "shipping_amount", "shipping_fee", "delivery_fee", "freight", "tip", "tip_amount", "service_fee")  # fmt: skip
_TAKEN_OFF = ("discount", "discount_amount", "discount_total", "rebate")
_SETTLED = ("amount", "payment_amount", "amount_paid", "paid_amount", "paid", "refund_amount", "refunded_amount",
            "total", "total_amount", "payment")  # fmt: skip
_PAID, _DUE = ("amount_paid", "paid_amount"), ("amount_due", "balance_due", "amount_outstanding", "outstanding_amount")
_ENDS = (("max", "min"), ("maximum", "minimum"), ("high", "low"), ("upper", "lower"), ("annual", "monthly"),
         ("yearly", "monthly"))  # fmt: skip
"""Words of two columns of which the first has the larger number."""
_SETTLES = re.compile(r"(?:^|_)(payment|refund|invoice|bill|receipt|charge|payout)$")
"""Tables whose rows are each about the whole amount of the row that they belong to."""
_COST_OF_PRICE = (0.5, 0.75)
"""What a thing costs, as a share of its price: usual margins of retail."""
_EQUATION = re.compile(r"\s*\"?(\w+)\"?\s*=\s*([\w\s\"+*/().,-]+?|case\b(?:(?!\bend\b).)+\bend)\s*", re.I | re.S)


def plan_equations(sketches: Sketches) -> None:
    """Columns that a check, or their names, define by the row's others: `line_total` is quantity times price."""
    for sketch in sketches:
        free = {column.name for column in sketch.free()}
        for check in sketch.table.checks:
            match = _EQUATION.fullmatch(check.value)
            column = sketch.table.column(match[1]) if match else None
            if match and column and column.name in free and not _speaks_of(match[2], column):
                sketch.decide(column.name, kinds.Sql(expression=match[2].replace('"', "").strip()))
        totals = (*_LINE_TOTALS, *(_TOTALS_OF_LINES if _LINES.search(sketch.about) else ()))
        count, price, total = (_named(sketch, names) for names in (_COUNTS, _PRICES, totals))
        if not (count and price and total and all(_is_number(sketch, column) for column in (count, price, total))):
            continue
        if total.name in free and not total.value_range and total.name not in sketch.generators:
            sketch.decide(total.name, kinds.Sql(expression=f"{quoted(count.name)} * {quoted(price.name)}"))


def plan_amounts(sketches: Sketches) -> None:
    """Amounts that follow from others of the row, of its parents or of its children."""
    for sketch in sketches:
        _price_lines(sketches, sketch)
        _keep_costs_below_prices(sketch)
        _add_up(sketch)
        _pay(sketch)
        _widen(sketch)
    for sketch in sketches:
        _sum_lines(sketches, sketch)
    for sketch in sketches:
        _settle(sketches, sketch)


# --- within a row, and from its parents ----------------------------------------------------------------------


def _price_lines(sketches: Sketches, sketch: Sketch) -> None:
    """What is sold has the price of the product; without a price of its own, the line's total says so too."""
    count, own = _named(sketch, _COUNTS), _named(sketch, _PRICES)
    total = _guessed(sketch, _LINE_TOTALS)
    for link, price in _priced_parents(sketches, sketch) if count else ():
        path = f"{link.columns[0]}.{price.name}"
        if own and _is_guess(sketch, own):
            sketch.decide(own.name, kinds.Copy(path=path))
        elif total and count and not own:
            priced = f"{quoted(count.name)} * {quoted(link.columns[0])}.{quoted(price.name)}"
            sketch.decide(total.name, kinds.Sql(expression=f"round({priced}, {_scale(total)})"))
        return


def _priced_parents(sketches: Sketches, sketch: Sketch) -> Iterator[tuple[Link, Column]]:
    for link in sketch.links:
        parent = sketches.find(link.parent)
        price = _named(parent, _PRICES) if parent and parent is not sketch and len(link.columns) == 1 else None
        key = sketch.generator(link.columns[0])
        if parent and price and key and not (key.null or key.when) and _is_number(parent, price):
            yield link, price


def _keep_costs_below_prices(sketch: Sketch) -> None:
    price, cost = _named(sketch, _PRICES), _guessed(sketch, _COSTS)
    if price and cost and price is not cost and _is_number(sketch, price):
        low, high = _COST_OF_PRICE
        sketch.decide(cost.name, kinds.Uniform(min=low, max=high, times=price.name, decimals=_scale(cost)))


def _add_up(sketch: Sketch) -> None:
    """A grand total is what stands above it: the net, with taxes and fees, less discounts."""
    base, total, tax = (_named(sketch, _BASES), _guessed(sketch, _GRAND_TOTALS), _guessed(sketch, _TAXES))
    if base and tax and _is_number(sketch, base):
        low, high = _TAX_RATES
        sketch.decide(tax.name, kinds.Uniform(min=low, max=high, times=base.name, decimals=_scale(tax)))
    if base is None or total is None or not _is_number(sketch, base):
        return
    terms = [quoted(base.name)]
    for sign, names in (("+", _ADDED), ("-", _TAKEN_OFF)):
        for column in sketch.table.columns:
            if snake(column.name) in names and _is_number(sketch, column):
                terms.append(f"{sign} coalesce({quoted(column.name)}, 0)")
    if len(terms) > 1:
        sketch.decide(total.name, kinds.Sql(expression=" ".join(terms)))


def _pay(sketch: Sketch) -> None:
    """What is paid of a total, by the status, and what is still due."""
    total, paid, due = (_named(sketch, names) for names in (_GRAND_TOTALS[:-2], _PAID, _DUE))
    if total is None:
        total, due = due, None  # Of an instalment, what is due is all of it.
    stage = named_stage(sketch, "paid_at")
    if total is None or not _is_number(sketch, total):
        return
    if paid and stage and _is_guess(sketch, paid):
        sketch.decide(paid.name, kinds.Sql(expression=f"case when {stage.sql} then {quoted(total.name)} else 0 end"))
    if paid and due and _is_guess(sketch, due):
        sketch.decide(due.name, kinds.Sql(expression=f"{quoted(total.name)} - {quoted(paid.name)}"))


def _widen(sketch: Sketch) -> None:
    """The upper end of two that are only guessed lies above the lower; a year costs ten months."""
    for column in sketch.table.columns:
        name = snake(column.name)
        lower = next((re.sub(rf"\b{high}\b", low, name.replace("_", " ")) for high, low in _ENDS if high in name), name)
        low = _guessed(sketch, [lower.replace(" ", "_")])
        if low and low.name != column.name and _is_guess(sketch, column):
            a_year = name.startswith(("annual", "yearly"))
            least, most = (10, 10) if a_year else (1.2, 2.5)
            wider = kinds.Uniform(min=least, max=most, times=low.name, decimals=_scale(column))
            sketch.decide(column.name, wider)


def _settle(sketches: Sketches, sketch: Sketch) -> None:
    """A payment, an invoice or a refund that is alone with its order is about all of it."""
    whole, amount = sketches.find(sketch.per), _guessed(sketch, _SETTLED)
    if whole is None or amount is None or not _SETTLES.search(sketch.about) or not _is_alone(sketch):
        return
    said = (*(f"{whole.about}_total", f"{whole.about}_amount"), *_GRAND_TOTALS, *_SETTLED, *_BASES)
    total = _named(whole, said)
    link = next((link for link in sketch.links_to(whole.name) if len(link.columns) == 1), None)
    if total and link and _is_number(whole, total):
        sketch.decide(amount.name, kinds.Copy(path=f"{link.columns[0]}.{total.name}"))


def _is_alone(sketch: Sketch) -> bool:
    """Whether its driving parent has at most one such row."""
    match getattr(sketch.said_rows, "counts", None):
        case kinds.Boolean():
            return True
        case kinds.Constant(value=value):
            return value == 1
    return False


# --- from the children ---------------------------------------------------------------------------------------


def _sum_lines(sketches: Sketches, part: Sketch) -> None:
    """The total of an order is the sum of its lines."""
    whole = sketches.find(part.per)
    least = getattr(getattr(part.said_rows, "counts", None), "min", 0)
    if whole is None or not part.about.startswith(f"{whole.about}_") or not least:
        return
    line = _named(part, (*_LINE_TOTALS, *_TOTALS_OF_LINES))
    own = (f"{whole.about}_total", f"{whole.about}_amount")
    total = _guessed(whole, (*_BASES, "total_amount", "grand_total", *own, "total", "amount"))
    if line and total:
        whole.decide(total.name, kinds.Rollup(table=part.name, aggregate="sum", column=line.name))


# --- columns -------------------------------------------------------------------------------------------------


def _named(sketch: Sketch, names: Sequence[str]) -> Column | None:
    """The column of one of these names, the first name first."""
    by_name = {snake(column.name): column for column in sketch.table.columns}
    return next((by_name[name] for name in names if name in by_name), None)


def _guessed(sketch: Sketch, names: Sequence[str]) -> Column | None:
    """The column of one of these names whose amount is only guessed."""
    by_name = {snake(column.name): column for column in sketch.table.columns if _is_guess(sketch, column)}
    return next((by_name[name] for name in names if name in by_name), None)


def _is_guess(sketch: Sketch, column: Column) -> bool:
    """Whether nothing but a column's name stands behind its amount."""
    prose, generator = sketch.prose.get(column.name, NOTHING), sketch.generators.get(column.name)
    said = column.value_range or column.accepted_values or prose.minimum is not None or prose.maximum is not None
    fractional = sketch.kind(column.name) in (None, TypeKind.DECIMAL, TypeKind.FLOAT)
    return fractional and not said and isinstance(generator, kinds.Lognormal) and not (generator.null or generator.when)


def _is_number(sketch: Sketch, column: Column) -> bool:
    """Whether a column holds numbers: by its type, else because nothing says that it holds anything else."""
    kind, prose = sketch.kind(column.name), sketch.prose.get(column.name, NOTHING)
    if kind is not None or sketch.link(column.name):
        return kind in _NUMERIC
    words = any(isinstance(value, str) for value in sketch.listed(column.name))
    return not (words or prose.template or prose.meaning or prose.date_key or prose.unique)


def _scale(column: Column) -> int:
    """Digits after the point, as declared; cents where that is not said."""
    declared = column.data_type.value if column.data_type else None
    return declared.scale if declared and declared.scale is not None else 2


def _speaks_of(expression: str, column: Column) -> bool:
    return re.search(rf"\b{re.escape(column.name)}\b", expression, re.I) is not None

"""Tables as pandas DataFrames, in types that hold what the project declares and know what is missing.

| declared                | column of the DataFrame                                        |
|-------------------------|----------------------------------------------------------------|
| integer                 | `Int64`                                                        |
| decimal, float          | `float64`: the number nearest to the decimal; Arrow has it exact |
| boolean                 | `boolean`                                                      |
| text, uuid, json        | `string`                                                       |
| date, timestamp         | `datetime64[s]`, with a time zone `datetime64[s, UTC]`         |
| time                    | `object` of `datetime.time`                                    |
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from seedbed.errors import SinkError

try:
    import pandas as pd
except ImportError as error:
    raise SinkError(
        "DataFrames need pandas, which is not installed: pip install 'dbt-seedbed[pandas]'. "
        "Without it, generate_arrow() gives the same tables as Arrow."
    ) from error

__all__ = ["dataframe"]

_DTYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype(), pa.string(): pd.StringDtype()}


def dataframe(table: pa.Table) -> pd.DataFrame:
    """The rows in their order, numbered from 0."""
    columns = [_carried(column) for column in table.columns]
    carried = pa.table(columns, names=table.column_names)
    return carried.to_pandas(types_mapper=_DTYPES.get, date_as_object=False)


def _carried(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals as numbers, by way of their text: Arrow's own cast is off by a bit here and there."""
    if pa.types.is_decimal(column.type):
        return pc.cast(pc.cast(column, pa.string()), pa.float64())
    return pc.cast(column, pa.timestamp("s")) if pa.types.is_date(column.type) else column

"""The tidy score table as Parquet, for runs whose CSV has become too large to be read at a time."""

from __future__ import annotations

from pathlib import Path

from sisr.base.atomic import replacing
from sisr.base.cells import SCORE_COLUMNS
from sisr.base.errors import ScoreError

#: Bytes of the CSV that are in memory at a time: some ten thousand rows.
BLOCK = 1 << 20


def write_scores(table: Path, out: Path) -> None:
    """Copy ``scores.csv`` to Parquet: the same columns and rows in the same order; streams.

    ``scale`` is a 16-bit integer, ``value`` a float64 (``inf`` is one), the rest are strings, stored as
    dictionaries.  :class:`ScoreError` for a table with other columns or a value that is no number.
    """
    import pyarrow as pa
    from pyarrow import csv, parquet

    types = {name: pa.string() for name in SCORE_COLUMNS} | {"scale": pa.int16(), "value": pa.float64()}
    schema = pa.schema(list(types.items()))
    # No word means "missing": a model may be called "NA".
    options = csv.ConvertOptions(column_types=types, null_values=[], strings_can_be_null=False)
    try:
        with csv.open_csv(
            table, csv.ReadOptions(block_size=BLOCK, use_threads=False), convert_options=options
        ) as rows:
            if tuple(rows.schema.names) != SCORE_COLUMNS:
                raise ScoreError(f"{table}: columns {rows.schema.names}, expected {list(SCORE_COLUMNS)}")
            with replacing(out) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
                for block in rows:
                    writer.write_batch(block)
    except pa.ArrowInvalid as error:
        raise ScoreError(f"{table}: not a table of scores: {str(error).splitlines()[0]}") from None

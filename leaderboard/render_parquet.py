"""``scores.csv`` -> ``scores.parquet``: the same rows with their types."""

from __future__ import annotations

import io

TEXT = (
    "suite", "task", "task_version", "split", "dataset", "arm", "subject", "subject_version", "budget",
    "corpus", "sampler", "metric", "direction", "status", "reason", "address",
)  # fmt: skip
NUMBERS = {"size": "Int64", "seed": "Int64", "value": "float64", "primary": "bool"}


def render_parquet(scores: str) -> bytes:
    """Return the content of ``scores.parquet``; what is absent is null, never a number."""
    import pandas as pd

    types = {**dict.fromkeys(TEXT, "string"), **NUMBERS}
    table = pd.read_csv(io.StringIO(scores), dtype=types, na_values=[""], keep_default_na=False)
    stream = io.BytesIO()
    table.to_parquet(stream, engine="pyarrow", index=False, compression="zstd")
    return stream.getvalue()

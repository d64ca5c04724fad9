"""A record goes through JSON unchanged, NaN and infinity included; and no record breaks a check."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime_probe import record as records
from runtime_probe.record import files as record_files
from runtime_probe.report import judge

_SCALARS = {
    int: st.integers(0, 10),
    float: st.floats(),
    str: st.text(max_size=5),
    bool: st.booleans(),
    Any: st.integers() | st.text(max_size=3) | st.none(),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{f.name: _field(kind, f.name, hints[f.name]) for f in dataclasses.fields(kind)})
    origin, inner = get_origin(kind), get_args(kind)
    if origin is list:
        return st.lists(values(inner[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(st.text(max_size=4), values(inner[1]), max_size=2)
    if origin in (types.UnionType, typing.Union):
        return st.none() | values(next(a for a in inner if a is not type(None)))
    return _SCALARS[kind]


def _field(kind: Any, name: str, hint: Any) -> st.SearchStrategy[Any]:
    if (kind, name) == (records.StepRecord, "phase"):
        return st.sampled_from([records.BASELINE, records.SETTLE, records.WARM_UP])
    if (kind, name) == (records.NonFinite, "what"):
        return st.sampled_from(["loss", "gradient", "parameter", "input", "activation"])
    return values(hint)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


RECORDS = values(records.Record)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(RECORDS)
def test_round_trip(tmp_path_factory: Any, record: records.Record) -> None:
    path = tmp_path_factory.mktemp("record") / "record-1.json"
    record_files.write(record, path)
    back = record_files.read(path)
    assert same(dataclasses.asdict(record), dataclasses.asdict(back))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(RECORDS)
def test_no_record_breaks_a_check(record: records.Record) -> None:
    report = judge([record])
    assert not [result for result in report.results if "a defect of the probe" in result.message]

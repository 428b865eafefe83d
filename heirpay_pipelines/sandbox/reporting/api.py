"""Report types, report runs and files over the API."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from heirpay_pipelines.sandbox.errors import ApiError, missing, unknown_route
from heirpay_pipelines.sandbox.filters import Params, integer, unknown_parameter
from heirpay_pipelines.sandbox.lists import page_of
from heirpay_pipelines.sandbox.reporting.cells import time_text
from heirpay_pipelines.sandbox.reporting.rows import Span, rows_of
from heirpay_pipelines.sandbox.reporting.types import BY_ID, KEYED, TYPES, ReportType, rendered
from heirpay_pipelines.sandbox.store import Object, Store

FILE_DAYS = 365
FINISHES_AT_POLL = 2


class ReportingApi:
    """Runs reports on one store. A run is pending until it has been asked for twice."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.runs: dict[str, Object] = {}
        self.files: dict[str, bytes] = {}
        self._polls: dict[str, int] = {}
        self._by_key: dict[str, str] = {}

    def get(self, path: str, params: Params, base_url: str) -> bytes:
        """The body for GET /v1/<path>; of a file's contents its CSV."""
        match path.split("/"):
            case ["reporting", "report_types"]:
                return _listed("report_types", [rendered(each, self.store) for each in TYPES])
            case ["reporting", "report_types", id]:
                return orjson.dumps(rendered(_report_type(id), self.store))
            case ["reporting", "report_runs"]:
                return self._list_runs(params)
            case ["reporting", "report_runs", id]:
                return orjson.dumps(self._poll(id, base_url))
            case ["files", id]:
                return orjson.dumps(self._file(id, base_url))
            case ["files", id, "contents"]:
                self._file(id, base_url)
                return self.files[id]
        raise unknown_route("GET", f"/v1/{path}")

    def create(self, form: Params, idempotency_key: str) -> bytes:
        """Begin a run; the same idempotency key gives the same run."""
        if (known := self._by_key.get(idempotency_key)) is not None:
            return orjson.dumps(self.runs[known])
        given = dict(form)
        kind = _report_type(given.get("report_type", ""))
        parameters = _parameters(kind, form)
        span = self._span(kind, parameters)
        columns = parameters.get("columns") or list(kind.default_columns)
        suffix = self._suffix(kind, parameters)
        id = f"frr_{suffix}"
        self.files[f"file_{suffix}"] = _csv(columns, rows_of(kind.id, self.store, span, columns))
        self.runs[id] = {
            "id": id, "object": "reporting.report_run", "created": self.store.now, "error": None,
            "livemode": False, "parameters": parameters, "report_type": kind.id, "result": None,
            "status": "pending", "succeeded_at": None,
        }  # fmt: skip
        if idempotency_key:
            self._by_key[idempotency_key] = id
        return orjson.dumps(self.runs[id])

    def _suffix(self, kind: ReportType, parameters: Object) -> str:
        """Of the run's and its file's id: another one for each other run, also when the account was
        served anew in between. Who keeps rows by their run's id would mix the two up."""
        asked = [kind.id, parameters, self.store.now, len(self.runs)]
        digest = hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS))
        return digest.hexdigest()[:24]

    def _span(self, kind: ReportType, parameters: Object) -> Span:
        """The interval, within what the report type has data for."""
        known, start, end = (
            rendered(kind, self.store), parameters["interval_start"], parameters["interval_end"]
        )  # fmt: skip
        if start >= end:
            raise _refused("`interval_start` must be before `interval_end`.", "interval_start")
        first, last = known["data_available_start"], known["data_available_end"]
        if end > last:
            raise _refused(
                f"Data for the report type {kind.id} is only available through {_utc(last)}; "
                f"you requested `interval_end` = {_utc(end)}.", "interval_end",
            )  # fmt: skip
        if start < first:
            raise _refused(
                f"Data for the report type {kind.id} is only available starting {_utc(first)}; "
                f"you requested `interval_start` = {_utc(start)}.", "interval_start",
            )  # fmt: skip
        zone = parameters.get("timezone", "Etc/UTC")
        try:
            return Span(start, end, ZoneInfo(zone), parameters.get("currency"),
                        parameters.get("reporting_category"))  # fmt: skip
        except (ZoneInfoNotFoundError, ValueError):
            raise _refused(f"Invalid timezone: {zone}", "timezone") from None

    def _poll(self, id: str, base_url: str) -> Object:
        run = self.runs.get(id)
        if run is None:
            raise missing("reporting.report_run", id)
        self._polls[id] = self._polls.get(id, 0) + 1
        if run["status"] == "pending" and self._polls[id] >= FINISHES_AT_POLL:
            file = self._file(id.replace("frr_", "file_"), base_url)
            run |= {"status": "succeeded", "succeeded_at": self.store.now, "result": file}
        return run

    def _file(self, id: str, base_url: str) -> Object:
        run = self.runs.get(id.replace("file_", "frr_"))
        if run is None or not id.startswith("file_"):
            raise missing("file", id)
        return {
            "id": id, "object": "file", "created": run["created"],
            "expires_at": run["created"] + FILE_DAYS * 86_400, "filename": f"{run['id']}.csv",
            "links": {"object": "list", "data": [], "has_more": False,
                      "url": f"/v1/file_links?file={id}"},
            "purpose": "finance_report_run", "size": len(self.files[id]),
            "title": f"FinanceReportRun {run['id']}", "type": "csv",
            "url": f"{base_url}/v1/files/{id}/contents",
        }  # fmt: skip

    def _list_runs(self, params: Params) -> bytes:
        runs = list(self.runs.values())
        page = page_of(runs, dict(params), lambda run: True, self.runs.get)
        return _listed("report_runs", page.data, page.has_more)


def _report_type(id: str) -> ReportType:
    if not id:
        raise ApiError(400, "Missing required param: report_type.", param="report_type",
                       code="parameter_missing")  # fmt: skip
    if id not in BY_ID:
        raise missing("reporting.report_type", id)
    return BY_ID[id]


def _parameters(kind: ReportType, form: Params) -> Object:
    """The run's parameters, typed; raise ApiError for unknown, missing and bad ones."""
    found: dict[str, Any] = {}
    for name, value in form:
        base, _, inner = name.partition("[")
        inner, _, rest = inner.partition("]")
        if base in ("report_type", "expand"):
            continue
        if base != "parameters" or inner not in kind.parameters:
            raise unknown_parameter(name)
        if inner == "columns" and rest:
            found.setdefault("columns", []).append(_column(kind, value))
        else:
            found[inner] = integer(value, inner) if inner.startswith("interval_") else value
    for name in ("interval_start", "interval_end"):
        if name not in found:
            raise ApiError(400, f"Missing required param: parameters[{name}].",
                           param=f"parameters[{name}]", code="parameter_missing")  # fmt: skip
    return found


def _column(kind: ReportType, name: str) -> str:
    if name in kind.columns or (name.partition("[")[0] in KEYED and name.endswith("]")):
        return name
    raise _refused(f"Invalid column for the report type {kind.id}: {name}", "columns")


def _refused(message: str, parameter: str) -> ApiError:
    return ApiError(400, message, param=f"parameters[{parameter}]")


def _utc(at: int) -> str:
    return f"{time_text(at)} UTC"


def _csv(columns: list[str], rows: Any) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def _listed(name: str, data: list[Object], has_more: bool = False) -> bytes:
    return orjson.dumps(
        {"object": "list", "data": data, "has_more": has_more, "url": f"/v1/reporting/{name}"}
    )

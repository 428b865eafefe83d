"""Controls as data, run against a build; the verdict that publication waits for."""

from heirpay_pipelines.controls.register import Control, RegisterError, load_register
from heirpay_pipelines.controls.results import ControlResult, RunContext, Verdict, verdict
from heirpay_pipelines.controls.run import run_controls
from heirpay_pipelines.controls.store import store_results

__all__ = [
    "Control",
    "ControlResult",
    "RegisterError",
    "RunContext",
    "Verdict",
    "load_register",
    "run_controls",
    "store_results",
    "verdict",
]

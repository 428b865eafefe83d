"""Raw objects from Stripe, through the SDK's client: its auth, versions and HTTP layer."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from typing import Any, cast

import httpx
import orjson
import stripe
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    stop_any,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from heirpay_pipelines.gateways.errors import (
    CursorGoneError,
    ExpansionRefusedError,
    KeyRefusedError,
    NotReadableError,
    PullError,
    RefusedError,
    TransientError,
    UnreachableError,
)
from heirpay_pipelines.gateways.stripe.budget import Budget, limits_of

TIMEOUT_SECONDS = 30.0
ATTEMPTS = 12
PATIENCE_SECONDS = 600
# Before the first answer, a host that takes no connection is given up soon: the base, the network
# or the name server is wrong, and whoever started the run waits.
UNREACHABLE_ATTEMPTS, UNREACHABLE_SECONDS = 3, 3.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.25, 20.0
# The first tries are nobody's concern; from here on a person who waits wants to know why.
TOLD_FROM_ATTEMPT = 5

_page: ContextVar[dict[str, bytes]] = ContextVar("page")


def tls_context() -> ssl.SSLContext:
    """How every request to Stripe is secured: verified certificates, TLS 1.2 or newer, whatever
    this machine's OpenSSL would allow (PCI DSS 4.0.1, 4.2.1)."""
    context = ssl.create_default_context(cafile=stripe.ca_bundle_path)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _PageTransport(stripe.HTTPXClient):
    """The SDK's own asynchronous HTTP layer; a page's bytes are set aside unparsed.

    The SDK would build ordered dictionaries of each body, which takes half a core at the limit.
    """

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._client_async = httpx.AsyncClient(verify=tls_context())
        self.clock: int | None = None
        self.answered = False

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        body, status, answered = await super().request_async(method, url, headers, post_data)
        self.answered = True
        if (at := _date_of(answered)) is not None:
            self.clock = max(at, self.clock or at)
        if status != httpx.codes.OK:
            return body, status, answered
        _page.get()["body"] = body
        return b"{}", status, answered


def _date_of(headers: Mapping[str, str]) -> int | None:
    """The instant of the Date header; None where there is none, or nonsense in it."""
    try:
        return int(parsedate_to_datetime(headers["date"]).timestamp())
    except (KeyError, ValueError):
        return None


class SyncTransport(stripe.HTTPXClient):
    """The SDK's own HTTP layer for calls that wait, with this project's TLS."""

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout=timeout, allow_sync_methods=True)
        self._client = httpx.Client(verify=tls_context())


class Client:
    """GET requests within the budget, tried again while that can help (and the write probe).

    A request is tried `attempts` times; the waits between grow from `first_wait` seconds. `tell`
    hears of a request that goes on failing.
    """

    def __init__(
        self,
        key: str,
        base: str,
        budget: Budget | None = None,
        *,
        attempts: int = ATTEMPTS,
        first_wait: float = FIRST_WAIT_SECONDS,
        timeout: float = TIMEOUT_SECONDS,
        tell: Callable[[str], object] = lambda text: None,
    ) -> None:
        self._tell = tell
        self._host = httpx.URL(base).host
        self.budget = budget or Budget(limits_of(key))
        self._transport = _PageTransport(timeout=timeout)
        self._stripe = stripe.StripeClient(
            key,
            base_addresses={"api": base},
            http_client=self._transport,
            max_network_retries=0,
        )
        # Spare the limit: the SDK would otherwise report timings of earlier requests.
        stripe.enable_telemetry = False
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type((RefusedError, TransientError)),
            wait=wait_random_exponential(multiplier=first_wait, max=LONGEST_WAIT_SECONDS),
            stop=stop_any(
                stop_after_attempt(attempts),
                stop_after_delay(PATIENCE_SECONDS),
                _StopUnreachable(),
            ),
            before_sleep=self._waits,
            reraise=True,
        )

    @property
    def clock(self) -> int | None:
        """Stripe's own clock (epoch seconds), as the newest answer told it."""
        return self._transport.clock

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The parsed answer to GET /v1/<path>.

        Raises NotReadableError for 403 and 404, KeyRefusedError for 401, CursorGoneError for a
        cursor that was deleted, PullError for any other refusal, UnreachableError when nothing was
        answered yet and no connection is made, and RefusedError or TransientError when every try
        failed.
        """
        result: dict[str, Any] = await self._retrying.copy()(self._once, path, dict(params or {}))
        return result

    async def post_nothing(self, path: str) -> tuple[int, str]:
        """(HTTP status, Stripe's error code) of POST /v1/<path> without a parameter, tried once;
        (0, "") without an answer. For the write probe alone, which says why this is harmless."""
        await self.budget.wait_turn(endpoint_of(path))
        token = _page.set({})
        try:
            await self._stripe.raw_request_async("post", f"/v1/{path}")
        except stripe.StripeError as error:
            return error.http_status or 0, error.code or ""
        finally:
            _page.reset(token)
        return int(httpx.codes.OK), ""

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close_async()  # type: ignore[no-untyped-call]

    def _waits(self, tried: RetryCallState) -> None:
        if tried.attempt_number < TOLD_FROM_ATTEMPT or tried.outcome is None:
            return
        seconds = tried.next_action.sleep if tried.next_action else 0.0
        again = f"attempt {tried.attempt_number}, again in {seconds:.0f} s"
        self._tell(f"{tried.outcome.exception()} ({again})")

    async def _once(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        endpoint = endpoint_of(path)
        await self.budget.wait_turn(endpoint)
        slot: dict[str, bytes] = {}
        token = _page.set(slot)
        began = time.monotonic()
        try:
            await self._stripe.raw_request_async("get", f"/v1/{path}", **params)
            self.budget.answered(endpoint, time.monotonic() - began)
            parsed = orjson.loads(slot["body"])
        except stripe.StripeError as error:
            raise self._explain(path, endpoint, error) from None
        except orjson.JSONDecodeError:
            raise TransientError(f"GET /v1/{path} was answered with broken JSON") from None
        finally:
            _page.reset(token)
        if not isinstance(parsed, dict):
            raise TransientError(f"GET /v1/{path} was answered with no object")
        return cast("dict[str, Any]", parsed)

    def _explain(self, path: str, endpoint: str, error: stripe.StripeError) -> PullError:
        status = error.http_status
        if not self._transport.answered and isinstance(error.__cause__, NO_CONNECTION):
            why = reason_of(error.__cause__)
            return UnreachableError(
                f"{self._host} cannot be reached ({why}): check STRIPE_API_BASE and the network."
            )
        if status == httpx.codes.UNAUTHORIZED:
            return KeyRefusedError(
                "Stripe does not accept STRIPE_API_KEY: create a restricted, read-only key in the "
                "dashboard and set it (`heirpay doctor` checks it)."
            )
        if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
            why = "the key has no permission" if status == httpx.codes.FORBIDDEN else "not found"
            said = str(error.user_message or "")
            return NotReadableError(status, f"GET /v1/{path}: {why} ({status})", said)
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return self._slow_down(endpoint, error)
        if status is None or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            what = "did not answer" if status is None else f"failed with {status}"
            return TransientError(f"GET /v1/{path}: Stripe {what}, tried again and again")
        if getattr(error, "param", "") == "expand":
            return ExpansionRefusedError(f"GET /v1/{path}: an expansion is refused ({status})")
        if error.code == "resource_missing" and getattr(error, "param", "") == "starting_after":
            return CursorGoneError(f"GET /v1/{path}: the page's cursor was deleted")
        return PullError(f"GET /v1/{path}: Stripe refused the request ({status}: {error.code})")

    def _slow_down(self, endpoint: str, error: stripe.StripeError) -> RefusedError:
        headers = {k.lower(): v for k, v in dict(error.headers or {}).items()}
        reason = headers.get("stripe-rate-limited-reason", "global-rate")
        wait = headers.get("retry-after", "")
        seconds = float(wait) if wait.isdigit() else None
        self.budget.refused(endpoint, reason, seconds)
        return RefusedError(reason, seconds)


NO_CONNECTION = (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol)


def reason_of(error: BaseException) -> str:
    """Why no connection was made, in the operating system's words where it has some."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.strerror:
            # asyncio words some of them itself; a name server's have numbers of their own.
            number = 0 if isinstance(found, ssl.SSLError) else found.errno or 0
            text = os.strerror(number) if number > 0 else found.strerror
            return text[:1].lower() + text[1:]
        group = found.exceptions if isinstance(found, BaseExceptionGroup) else ()
        found = group[0] if group else found.__cause__ or found.__context__
    return str(error).strip() or type(error).__name__


class _StopUnreachable(stop_base):
    """Ends the tries of a host that takes no connection."""

    def __call__(self, tried: RetryCallState) -> bool:
        if tried.outcome is None or not isinstance(tried.outcome.exception(), UnreachableError):
            return False
        waited = tried.seconds_since_start or 0.0
        return tried.attempt_number >= UNREACHABLE_ATTEMPTS or waited >= UNREACHABLE_SECONDS


def endpoint_of(path: str) -> str:
    """What Stripe counts as one endpoint: the resource, whichever object of it is asked for."""
    parts = path.partition("?")[0].split("/")
    return "/".join(parts[:2]) if parts[0] == "radar" else parts[0]

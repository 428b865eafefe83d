"""Errors in Stripe's shape."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer that is an error: HTTP status and the body's `error` object."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        error: dict[str, Any] = {"message": message, "type": _type(status)}
        if code:
            error["code"] = code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param:
            error["param"] = param
        self.body = {"error": error}


def _type(status: int) -> str:
    return "api_error" if status >= 500 else "invalid_request_error"


def unknown_route(method: str, path: str) -> ApiError:
    return ApiError(
        404, f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs."
    )


def missing(kind: str, id: str) -> ApiError:
    return ApiError(404, f"No such {kind}: '{id}'", param="id", code="resource_missing")


def bad_key(shown: str) -> ApiError:
    if not shown:
        return ApiError(
            401, "You did not provide an API key. Provide it in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )  # fmt: skip
    return ApiError(401, f"Invalid API Key provided: {shown[:8]}{'*' * 8}{shown[-4:]}")


def not_permitted(resource: str, permission: str = "read", account: str = "") -> ApiError:
    """A restricted key's refusal. Stripe names the account and the permission in it."""
    name = f"rak_{resource.replace('/', '_')}_{permission}"
    where = f" on account '{account}'" if account else ""
    error = ApiError(
        403, f"The provided key does not have the required permissions for this endpoint{where}. "
        f"Having the '{name}' permission would allow this request.",
    )  # fmt: skip
    error.body["error"]["type"] = "invalid_request_error"
    error.body["error"]["code"] = "more_permissions_required"
    return error


def wrong_version(asked: str, spoken: str) -> ApiError:
    return ApiError(
        400, f"Invalid Stripe API version: {asked}. The embedded account speaks {spoken}.",
    )  # fmt: skip


def rate_limited(reason: str) -> ApiError:
    error = ApiError(429, "Too many requests. Slow down.", code="rate_limit")
    error.headers["Stripe-Rate-Limited-Reason"] = reason
    return error

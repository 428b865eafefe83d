"""Whether each address of HEIRPAY_NOTIFY is one that a known service can be reached by."""

from __future__ import annotations

from heirpay_pipelines.text.nearest import did_you_mean


def require_known_services(text: str) -> None:
    """Raise ValueError for the first address that no service knows or that lacks a part.

    The message names its place and its scheme; all that follows may be secret.
    """
    # Takes half a second to import; only who sets the variable pays it.
    import apprise
    from apprise.utils.parse import parse_urls

    schemas = [name for name in apprise.NotificationManager().schemas() if name]  # type: ignore[no-untyped-call]
    urls = parse_urls(text)  # type: ignore[no-untyped-call]
    if not urls or not text.strip().startswith(urls[0]):
        raise ValueError("it begins with no address such as slack:// or mailto://")
    for place, url in enumerate(urls, start=1):
        scheme, separator, _ = url.partition("://")
        if not separator:
            raise ValueError(f"address {place} is none such as slack:// or mailto://")
        if scheme.lower() not in schemas:
            raise ValueError(
                f"address {place} ({scheme}://…): no notification service has this name."
                f"{did_you_mean(scheme, schemas)} Write one such as slack:// or mailto://"
            )
        if apprise.Apprise.instantiate(url, suppress_exceptions=True) is None:
            raise ValueError(
                f"address {place} ({scheme}://…) is not complete: write it as Apprise's page of"
                " that service says"
            )

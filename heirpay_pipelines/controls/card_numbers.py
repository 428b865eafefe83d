"""Card data in text, as the controls look for it. The finder lies beneath the landing, which asks
it about the names of files before it writes them down."""

from heirpay_pipelines.personal.card_numbers import CardFinding, find_in_json, find_in_text, masked

__all__ = ["CardFinding", "find_in_json", "find_in_text", "masked"]

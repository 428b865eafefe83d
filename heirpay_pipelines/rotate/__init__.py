"""Changing the encryption key: everything at rest is written anew, safe against a kill."""

from heirpay_pipelines.rotate.rotation import Rotated, RotationError, rotate

__all__ = ["Rotated", "RotationError", "rotate"]

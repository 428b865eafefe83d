"""The host itself, by each of its names."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")

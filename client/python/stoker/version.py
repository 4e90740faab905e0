"""The version, which daemon, C library and this package share; `make lint` compares it."""

VERSION = "0.1.0"

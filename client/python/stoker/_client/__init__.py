"""The client's inside: not for use from outside of the package."""

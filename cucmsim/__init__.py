"""A simulated Cisco Unified Communications Manager cluster."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("cucmsim")

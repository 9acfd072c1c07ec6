"""What other people's tests import, and scenarios stand on: labs of clusters and phones.

Names for annotations, loaded when they are asked for:

    from cucmsim.testing import ClusterUnderTest, PhoneUnderTest
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cucmsim.testing.awaited import AsyncClusterUnderTest, AsyncCucm, AsyncPhoneUnderTest
    from cucmsim.testing.blocking import ClusterUnderTest, Cucm, PhoneUnderTest
    from cucmsim.testing.clock import ManualClock

__all__ = [
    "AsyncClusterUnderTest",
    "AsyncCucm",
    "AsyncPhoneUnderTest",
    "ClusterUnderTest",
    "Cucm",
    "ManualClock",
    "PhoneUnderTest",
]


def __getattr__(name: str) -> object:
    """Load what is asked for: a plugin of every pytest run has to be cheap."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "awaited" if name.startswith("Async") else "blocking"
    where = "clock" if name == "ManualClock" else module
    return getattr(import_module(f"{__name__}.{where}"), name)

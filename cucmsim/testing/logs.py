"""What a cluster logs inside somebody else's tests: errors, to `logging`, where pytest has them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

__all__ = ["quiet_logs"]


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Have structlog write to `logging` while the block runs, unless it is configured already."""
    if structlog.is_configured():
        yield
        return
    structlog.configure(
        processors=[
            structlog.processors.format_exc_info,
            structlog.stdlib.render_to_log_kwargs,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=lambda *_: logging.getLogger("cucmsim"),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.reset_defaults()

"""What all tests share: every async test runs on asyncio and on uvloop."""

import asyncio

import pytest
import uvloop


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(asyncio.DefaultEventLoopPolicy(), id="asyncio"),
        pytest.param(uvloop.EventLoopPolicy(), id="uvloop"),
    ],
)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """Give pytest-asyncio each loop in turn."""
    policy: asyncio.AbstractEventLoopPolicy = request.param
    return policy

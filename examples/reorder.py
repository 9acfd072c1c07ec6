"""Puts tests in another order: ORDER=reversed, or ORDER=7 for a random one that 7 gives again."""

import os
import random


def pytest_collection_modifyitems(items: list[object]) -> None:
    """Change the order."""
    order = os.environ.get("ORDER", "")
    if order == "reversed":
        items.reverse()
    elif order:
        random.Random(int(order)).shuffle(items)

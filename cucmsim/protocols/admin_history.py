"""The lines given at the prompt, to walk back through; answers to questions are not among them."""

from collections import deque

__all__ = ["History"]

_MOST = 200


class History:
    """Lines from old to new, and where the cursor keys have got to."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_MOST)
        self._back = 0
        self._begun = ""

    def add(self, line: str) -> None:
        """Keep a line, unless it is the last one again."""
        if not self._lines or self._lines[-1] != line:
            self._lines.append(line)

    def rewind(self) -> None:
        """Start from the newest line again."""
        self._back, self._begun = 0, ""

    def step(self, current: str, *, back: bool) -> str | None:
        """Return the line before or after; None at either end. The line begun comes last."""
        wanted = self._back + (1 if back else -1)
        if not 0 <= wanted <= len(self._lines):
            return None
        if self._back == 0:
            self._begun = current
        self._back = wanted
        return self._lines[-wanted] if wanted else self._begun

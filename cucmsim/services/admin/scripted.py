"""A dialogue with a script instead of a person: answers given, text kept. For tests."""

from collections import deque
from collections.abc import Iterable

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_events import Question

__all__ = ["Script"]


class Script:
    """Answers questions in turn; `text` is the transcript, as a terminal would show it."""

    def __init__(self, answers: Iterable[str] = ()) -> None:
        self.text = ""
        self.questions: list[Question] = []
        self._answers = deque(answers)

    async def write(self, text: str) -> None:
        """Keep text."""
        self.text += text

    async def ask(self, question: Question) -> str:
        """Return the next answer. Raises RefusedError when there is none."""
        self.text += question.prompt
        self.questions.append(question)
        if not self._answers:
            raise RefusedError(f"found no answer to {question.prompt!r} in the script")
        answer = self._answers.popleft()
        shown = {"text": f"{answer}\n", "stars": f"{'*' * len(answer)}\n", "nothing": ""}
        self.text += shown[question.echo]
        return answer

"""The whole of a reply, so far: what both kinds of reply hand out, and what an error carries."""

from __future__ import annotations

from typing import Any

from ndstream.llm._ending import Ending
from ndstream.llm._finish_reason import FinishReason
from ndstream.llm._metrics import Metrics, Times
from ndstream.llm._tokens import Tokens
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._transfer_progress import Progress
from ndstream.llm._wires.wire import Wire


class ReplyState:
    """What is known of a reply so far. The folder fills it, and answers read it.

    Attributes:
        wire: The wire; one that matches no frame until a frame has shown which it is.
        ending: How the reply ended; None while it goes on.
        times: When things came first, by the names of the attributes of `Times`.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.ending: Ending | None = None
        self.times: dict[str, float] = {}


class Answer:
    """What a server answered, as far as it came."""

    def __init__(self, state: ReplyState) -> None:
        self._state = state

    @property
    def ending(self) -> Ending | None:
        """How the reply ended; None while it goes on."""
        return self._state.ending

    @property
    def wire(self) -> str:
        """The name of the wire, ``unknown`` until a frame has shown it."""
        return self._state.wire.name

    @property
    def body(self) -> Any:
        """The answer that the server would have given without streaming; None before the first frame."""
        return self._state.wire.body

    @property
    def text(self) -> str:
        """The text, of choice 0 if there are several; at the end, of the lowest if there is no choice 0."""
        return self._state.wire.text

    @property
    def text_revised(self) -> bool:
        """Whether the server's final text does not begin with what its deltas added up to, so that it took text back.

        `text` is the final text then, and the deltas' texts are what came before.
        """
        return self._state.wire.text_revised

    @property
    def thinking(self) -> str:
        """The thoughts that the server shows, of the same choice."""
        return self._state.wire.thinking

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls of the first choice, with ``incomplete`` set on those that were cut."""
        return self._state.wire.tool_calls

    @property
    def refusal(self) -> str:
        """What the model said in place of an answer that it refuses to give; empty if it does not refuse."""
        return self._state.wire.refusal

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the first choice finished, in the words of all wires; None as long as the server has not said so."""
        wire = self._state.wire
        return wire.finish_reason_of(wire.first_choice)

    @property
    def tokens(self) -> Tokens:
        """The token counts, counted in one way over all wires; each is None if the server does not give it."""
        return self._state.wire.tokens

    @property
    def usage(self) -> dict[str, Any] | None:
        """The token counts, as the server writes them; None if it sent none."""
        usage = self._state.wire.usage
        # The wire goes on with its own.
        return None if usage is None else dict(usage)

    @property
    def metrics(self) -> Metrics:
        """What the server measured."""
        return self._state.wire.metrics

    @property
    def progress(self) -> Progress | None:
        """How far a transfer is, such as a model that Ollama pulls; None of other replies."""
        return self._state.wire.progress

    @property
    def times(self) -> Times:
        """When things came, by the reader's clock."""
        return Times(**self._state.times)

    @property
    def last_sequence_number(self) -> int | None:
        """The number of the last event that was folded, to resume after it; None if the server numbers none."""
        return self._state.wire.last_sequence_number

    def _resumed_wire(self) -> Wire:
        """What a reply that goes on with this one begins with.

        Raises:
            TypeError: Servers of this wire cannot resume.
        """
        return self._state.wire.resumed()

    @property
    def output_started(self) -> bool:
        """Whether any text, thought or tool call has come."""
        return bool(self.text or self.thinking or self.tool_calls)

    def __repr__(self) -> str:
        verdict = "under way" if self.ending is None else self.ending.verdict
        return f"<{type(self).__name__} {self.wire}, {verdict}, {len(self.text)} characters>"

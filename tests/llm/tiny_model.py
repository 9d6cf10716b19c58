"""A language model of 300 KB, made from random numbers: it talks nonsense, but a real engine runs it.

The architecture is llama's with one layer; the vocabulary is every byte, some words, and the tags of a
thought, so that a reply holds words, control characters and bytes that are no UTF-8. The numbers come
from a fixed seed: the same file every time, and from it, with a fixed seed for sampling, the same reply.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

WIDTH = 64
CONTEXT = 16384
"""Tokens the model was made for; an engine may be started with fewer."""

_WORDS = "the a stream of bytes is cut where network likes it and each frame comes whole again end event token reply"
WORDS = [*_WORDS.split(), "é", "ü", "ß", "🚀", "日本", "naïve", "\u2013", "\u2028", "“so”"]

TAGS = ("<think>", "</think>", "<tool_call>", "</tool_call>")
LIKELY = {"each": "</think>", "whole": "</think>", "event": "<tool_call>", "token": "<tool_call>", "end": "</s>"}
"""What mostly stands behind some words, so that thoughts and replies end, and tools are called."""

TEMPLATE = (
    "{% for tool in tools or [] %}tool: {{ tool | tojson }}\n{% endfor %}"
    "{% for message in messages %}{{ message.role }}: "
    "{% if message.reasoning_content %}<think>{{ message.reasoning_content }}</think>{% endif %}"
    "{{ message.content }}"
    "{% for call in message.tool_calls or [] %}"
    '<tool_call>{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}</tool_call>'
    "{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% if enable_thinking %}<think>{% endif %}{% endif %}"
)
"""It shows the engine how thoughts and tool calls are written; with thinking enabled the prompt opens a thought."""


def make(path: Path) -> Path:
    """Write the model as a GGUF file, and return its path."""
    # Neither is there for every check of the types.
    gguf: Any = import_module("gguf")
    numpy: Any = import_module("numpy")

    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL, *[gguf.TokenType.BYTE] * 256]
    # "▁" is the space: prompts cannot be spelled without it.
    tokens += ["▁", *(f"▁{word}" for word in WORDS), *TAGS]
    kinds += [gguf.TokenType.NORMAL] * (1 + len(WORDS)) + [gguf.TokenType.USER_DEFINED] * len(TAGS)

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("nonsense")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // 2)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)

    numbers = numpy.random.default_rng(20)

    def add(name: str, *shape: int) -> Any:
        matrix = numbers.standard_normal(shape).astype(numpy.float32) / WIDTH**0.5
        writer.add_tensor(name, matrix)
        return matrix

    def add_ones(name: str) -> None:
        writer.add_tensor(name, numpy.ones(WIDTH, numpy.float32))

    embedding = add("token_embd.weight", len(tokens), WIDTH)
    add_ones("blk.0.attn_norm.weight")
    for part in ("q", "k", "v", "output"):
        add(f"blk.0.attn_{part}.weight", WIDTH, WIDTH)
    add_ones("blk.0.ffn_norm.weight")
    add("blk.0.ffn_gate.weight", 2 * WIDTH, WIDTH)
    add("blk.0.ffn_up.weight", 2 * WIDTH, WIDTH)
    add("blk.0.ffn_down.weight", WIDTH, 2 * WIDTH)
    add_ones("output_norm.weight")
    # Louder words, so that bytes are the exception.
    output = numbers.standard_normal((len(tokens), WIDTH)).astype(numpy.float32) * (4 / WIDTH**0.5)
    output[:259] /= 4
    for tag in LIKELY.values():
        output[tokens.index(tag)] = 0
    for word, tag in LIKELY.items():
        output[tokens.index(tag)] += 2 * embedding[tokens.index(f"▁{word}")]
    writer.add_tensor("output.weight", output)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

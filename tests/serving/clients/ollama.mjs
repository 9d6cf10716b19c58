import { Ollama } from "ollama";
import { readAll } from "./read_all.mjs";

await readAll(async (url, found) => {
  const stream = await new Ollama({ host: url }).chat({ model: "m", messages: [], stream: true });
  for await (const part of stream) {
    found.text += part.message.content;
    found.thinking += part.message.thinking ?? "";
    for (const call of part.message.tool_calls ?? []) found.calls.push([call.function.name, call.function.arguments]);
    if (part.done) {
      found.finish = part.done_reason;
      found.input = part.prompt_eval_count ?? null;
      found.output = part.eval_count ?? null;
    }
  }
});

import Anthropic from "@anthropic-ai/sdk";
import { readAll } from "./read_all.mjs";

await readAll(async (url, found) => {
  const client = new Anthropic({ apiKey: "k", baseURL: url, maxRetries: 0 });
  const stream = client.messages.stream({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] });
  stream.on("text", (text) => { found.text += text; });
  stream.on("thinking", (text) => { found.thinking += text; });
  const message = await stream.finalMessage();
  for (const block of message.content) {
    if (block.type === "tool_use") found.calls.push([block.name, block.input]);
  }
  found.finish = message.stop_reason;
  found.input = message.usage.input_tokens + (message.usage.cache_read_input_tokens ?? 0);
  found.output = message.usage.output_tokens;
});

import OpenAI from "openai";
import { readAll } from "./read_all.mjs";

await readAll(async (url, found) => {
  const client = new OpenAI({ apiKey: "k", baseURL: url, maxRetries: 0 });
  const stream = client.chat.completions.stream({ model: "m", messages: [{ role: "user", content: "Hi" }] });
  for await (const chunk of stream) {
    for (const choice of chunk.choices) {
      if (choice.index === 0) {
        found.text += (choice.delta.content ?? "") + (choice.delta.refusal ?? "");
        found.thinking += choice.delta.reasoning_content ?? "";
      }
    }
  }
  const completion = await stream.finalChatCompletion();
  const [choice] = completion.choices;
  found.calls = (choice.message.tool_calls ?? []).map((call) => [call.function.name, call.function.arguments]);
  found.finish = choice.finish_reason;
  found.input = completion.usage?.prompt_tokens ?? null;
  found.output = completion.usage?.completion_tokens ?? null;
});

import { HttpAgent } from "@ag-ui/client";
import { readAll } from "./read_all.mjs";

await readAll(async (url, found) => {
  const agent = new HttpAgent({ url: `${url}/agent`, threadId: "thread" });
  const failures = [];
  let finished = null;
  const run = agent.runAgent({ runId: "run" }, {
    onRunErrorEvent: ({ event }) => { failures.push(event.message); },
    onRunFinishedEvent: ({ event }) => { finished = event; },
    onTextMessageContentEvent: ({ event }) => { found.text += event.delta; },
    onReasoningMessageContentEvent: ({ event }) => { found.thinking += event.delta; },
  });
  let ended;
  try {
    ended = await run;
  } finally {
    if (failures.length > 0) throw new Error(failures[0]);
  }
  for (const message of agent.messages) {
    for (const call of message.toolCalls ?? []) found.calls.push([call.function.name, call.function.arguments]);
  }
  found.finish = ended.result.finishReason;
  const usage = finished.usage?.[0];
  found.input = usage?.inputTokens ?? null;
  found.output = usage?.outputTokens ?? null;
  if (finished.threadId !== "thread" || finished.runId !== "run") throw new Error("another run");
});

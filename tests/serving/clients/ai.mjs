import { AbstractChat, DefaultChatTransport } from "ai";
import { readAll } from "./read_all.mjs";

class State {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => { this.messages = [...this.messages, message]; };
  popMessage = () => { this.messages = this.messages.slice(0, -1); };
  replaceMessage = (index, message) => { this.messages = this.messages.with(index, message); };
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {
  constructor(init) {
    super({ ...init, state: new State() });
  }
}

await readAll(async (url, found) => {
  let ended;
  let failed = null;
  const chat = new Chat({
    transport: new DefaultChatTransport({ api: `${url}/api/chat` }),
    onError: (error) => { failed = error; },
    onFinish: (end) => { ended = end; },
  });
  await chat.sendMessage({ text: "Hi" });
  const message = chat.messages.at(-1);
  if (message.role === "assistant") {
    for (const part of message.parts) {
      if (part.type === "text") found.text += part.text;
      if (part.type === "reasoning") found.thinking += part.text;
      if (part.type.startsWith("tool-") && part.state === "input-available" && !part.providerExecuted) {
        found.calls.push([part.type.slice(5), part.input]);
      }
      if (part.state === "streaming" || part.state === "input-streaming") throw new Error(`open part: ${part.type}`);
    }
  }
  found.finish = ended?.finishReason ?? null;
  found.input = message.metadata?.usage?.inputTokens ?? null;
  found.output = message.metadata?.usage?.outputTokens ?? null;
  if (failed !== null || chat.status !== "ready") throw failed ?? new Error(chat.status);
  if (ended === undefined || ended.isError || ended.isDisconnect) throw new Error("no end");
});

// The page: a conversation, the reply that is under way, and the connection to the server that serves it.
//
// It is one file, since it has no build step. What it guarantees:
// - What a model sends becomes text and nothing else. No markup is ever parsed: every node is made by name, and the
//   content security policy forbids the rest.
// - A reply ends with a verdict: complete, stopped, cut or error. One that merely ends is cut.
// - Stopping a reply ends its request, and with it the work of the model's server.
// - A reply of any length leaves the page usable: it is drawn once a frame, in blocks, up to MAX_CHARACTERS.
"use strict";

const GO_ON = "Your reply was cut off. Go on exactly where it stopped, and repeat none of it.";
const MAX_CHARACTERS = 4_000_000;
const MAX_BLOCK = 10_000; // Characters of one block of text; a longer one takes the browser too long to lay out.
const MAX_FORMATTED_LINES = 5_000; // Further lines are shown as they came.
const STATE_INTERVAL = 15_000; // Milliseconds between looks at the server while it is there ...
const RETRY_DELAYS = [500, 1_000, 2_000, 4_000]; // ... and while it is not. The last one is used again and again.

const at = (id) => document.getElementById(id);
const prompt = at("prompt");
const main = document.querySelector("main");

// Make an element. Strings among its children become text.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

function button(label, action, attributes = {}) {
  const made = make("button", { type: "button", class: "quiet", ...attributes }, label);
  made.addEventListener("click", action);
  return made;
}

function announce(words) {
  at("announcer").textContent = words;
}

const SPAN = /(`[^`]+`|\*\*[^*]+\*\*)/;
const LINE_START = /^(?:(#{1,6})|(\s*)(?:[-*+]|(\d{1,9}[.)]))) (?=\S)/;

// Text that grows, in blocks. Fenced code, headings, items, `code` and **bold** are shown as such as soon as they can
// be told; the rest stays as it came.
class GrowingText {
  constructor(parent, formatted) {
    this.parent = parent;
    this.formatted = formatted;
    this.lines = 0;
    this.inCode = false;
    this.closeBlock();
  }

  append(text) {
    for (let begin = 0; begin < text.length; ) {
      if (!this.formatted || this.lines >= MAX_FORMATTED_LINES) {
        this.grow(text.slice(begin));
        return;
      }
      const end = text.indexOf("\n", begin);
      const piece = text.slice(begin, end < 0 ? text.length : end);
      if (piece) {
        this.grow(piece);
        if (!this.inCode && this.size < MAX_BLOCK) this.format(piece);
      }
      if (end >= 0) this.endLine();
      begin += piece.length + 1;
    }
  }

  closeBlock() {
    this.block = null;
    this.size = 0; // Characters of the block.
    this.node = null; // The text node that grows; null at the beginning of a line.
    this.line = ""; // What it holds.
    this.atStart = true; // Whether that is the whole line so far.
    this.isBlock = false; // Whether the line is a heading or an item, which needs no line end after it.
    this.needsBreak = false; // Whether a line end has to be shown before the next line.
  }

  grow(piece) {
    for (let begin = 0; begin < piece.length; ) {
      if (this.size >= MAX_BLOCK) this.closeBlock();
      if (this.block === null) {
        this.block = this.inCode ? make("code", { dir: "auto" }) : make("p", { dir: "auto" });
        this.parent.append(this.inCode ? make("pre", { tabindex: "0" }, this.block) : this.block);
      }
      if (this.node === null) {
        if (this.needsBreak) this.block.append("\n");
        this.needsBreak = false;
        this.node = document.createTextNode("");
        this.block.append(this.node);
      }
      let end = begin + MAX_BLOCK - this.size;
      // Never between the halves of a surrogate pair.
      if (/[\udc00-\udfff]/.test(piece[end] ?? "")) end += 1;
      const part = piece.slice(begin, end);
      this.node.appendData(part);
      if (this.formatted) this.line += part;
      this.size += part.length;
      begin += part.length;
    }
  }

  // Show what is complete of the line as what it is, and let the rest grow on.
  format(piece) {
    const start = this.atStart ? LINE_START.exec(this.line) : null;
    if (start) {
      const [marks, heading, indent, number] = start;
      const depth = Math.min(3, Math.floor((indent ?? "").length / 2));
      const line = heading
        ? make("strong", { class: "heading" })
        : make("span", { class: `item depth-${depth}` }, make("span", { class: "mark" }, number ?? "\u2022"));
      this.node.replaceWith(line);
      this.growAnew(line, this.line.slice(marks.length));
      this.isBlock = true;
    }
    if (!/[`*]/.test(piece)) return;
    const parts = this.line.split(SPAN);
    if (parts.length === 1) return;
    const rest = parts.pop();
    const line = this.node.parentNode;
    this.node.remove();
    for (const [index, part] of parts.entries()) {
      if (index % 2 === 0) line.append(part);
      else line.append(part[0] === "`" ? make("code", {}, part.slice(1, -1)) : make("strong", {}, part.slice(2, -2)));
    }
    this.growAnew(line, rest);
  }

  growAnew(parent, text) {
    this.node = document.createTextNode(text);
    this.line = text;
    this.atStart = false;
    parent.append(this.node);
  }

  endLine() {
    const { node, line, atStart, isBlock } = this;
    this.node = null;
    this.line = "";
    this.atStart = true;
    this.isBlock = false;
    this.size += 1;
    this.lines += 1;
    if (atStart && /^\s{0,3}```/.test(line)) {
      node.remove();
      if (this.block.childNodes.length === 0) (this.inCode ? this.block.parentNode : this.block).remove();
      this.inCode = !this.inCode;
      this.closeBlock();
    } else if (node !== null) {
      this.needsBreak = !isBlock;
    } else if (!this.inCode) {
      this.closeBlock();
    } else if (this.block !== null) {
      this.block.append("\n");
    }
  }
}

// The parts of a reply: the JSON of each event. The server ends lines with LF alone.
async function* partsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  let searched = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffered += value;
    let begin = 0;
    for (let end; (end = buffered.indexOf("\n\n", Math.max(begin, searched))) >= 0; begin = end + 2) {
      const event = buffered.slice(begin, end);
      if (event.startsWith("data: {")) yield JSON.parse(event.slice(6));
    }
    buffered = buffered.slice(begin);
    searched = Math.max(0, buffered.length - 1);
  }
}

const VERDICTS = {
  complete: "Complete",
  stopped: "Stopped",
  cut: "Cut off",
  error: "Error",
};
const REASONS = {
  length: "the limit of its length is reached",
  content_filter: "a content filter stopped it",
  tool_calls: "waits for a tool, and this page has none",
};

// One reply on the page, from the request to its verdict.
class Reply {
  constructor(turn) {
    this.turn = turn;
    this.article = make("article", { class: "reply" }, make("h2", { class: "hidden" }, "Reply"));
    this.ending = make("div", { class: "ending" });
    this.article.append(this.ending);
    this.section = null; // The run of text or thoughts that grows.
    this.calls = new Map();
    this.queue = []; // What came and is not drawn yet.
    this.characters = 0;
    this.drawing = false;
  }

  begin() {
    this.began = performance.now();
    this.firstAt = null;
    this.verdict = null;
    this.figures = {};
    this.article.setAttribute("aria-busy", "true");
    this.ending.replaceChildren(make("span", { class: "waiting" }, make("i"), make("i"), make("i")));
  }

  // Take what came. Returns whether the reply may go on.
  take(part) {
    if (part.type === "text-delta") {
      this.turn.content += part.delta;
      this.draw(() => this.write("text", part.delta), part.delta);
    } else if (part.type === "reasoning-delta") {
      this.draw(() => this.write("thoughts", part.delta), part.delta);
    } else if (part.type === "tool-input-start") {
      this.draw(() => this.startCall(part), part.toolName);
    } else if (part.type === "tool-input-delta") {
      this.draw(() => this.calls.get(part.toolCallId)?.text.append(part.inputTextDelta), part.inputTextDelta);
    } else if (part.type === "tool-input-error") {
      this.draw(() => this.calls.get(part.toolCallId)?.details.classList.add("incomplete"), "");
    } else if (part.type === "data-ending") {
      this.figures = part.data;
    } else if (part.type === "finish") {
      this.end("complete");
    } else if (part.type === "error") {
      this.end(this.figures.verdict === "cut" ? "cut" : "error", part.errorText);
    } else if (part.type === "abort") {
      this.end("stopped");
    }
    return this.characters <= MAX_CHARACTERS;
  }

  draw(step, text) {
    if (this.firstAt === null && text) this.firstAt = performance.now();
    this.characters += text.length;
    this.queue.push(step);
    if (this.drawing) return;
    this.drawing = true;
    // A page that is not seen has no frames.
    if (document.hidden) setTimeout(() => this.flush(), 200);
    else requestAnimationFrame(() => this.flush());
  }

  flush() {
    this.drawing = false;
    for (const step of this.queue.splice(0)) step();
  }

  write(kind, text) {
    if (this.section?.kind !== kind) {
      const inner = make("div", { class: "text" });
      const folded = () => make("details", { class: "thoughts" }, make("summary", {}, "Thoughts"), inner);
      this.article.insertBefore(kind === "text" ? inner : folded(), this.ending);
      this.section = { kind, text: new GrowingText(inner, kind === "text") };
    }
    this.section.text.append(text);
  }

  startCall(part) {
    const name = make("bdi", {}, part.toolName);
    const inner = make("div", { class: "text" });
    const details = make("details", { class: "call", open: "" }, make("summary", {}, "Asks for the tool ", name), inner);
    this.article.insertBefore(details, this.ending);
    this.section = null;
    this.calls.set(part.toolCallId, { details, text: new GrowingText(inner, false) });
  }

  end(verdict, message = "") {
    if (this.verdict !== null) return;
    this.flush();
    this.verdict = this.turn.verdict = verdict;
    this.turn.message = message;
    this.article.removeAttribute("aria-busy");
    this.showEnding(verdict, message, this.told());
    const heard = this.turn.content.length > 2_000 ? "" : this.turn.content;
    announce(`${heard}\n${VERDICTS[verdict]}. ${message}`);
  }

  // The figures, as words.
  told() {
    const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;
    const now = performance.now();
    const tokens = this.figures.outputTokens;
    const told = [];
    if (REASONS[this.figures.finishReason]) told.push(REASONS[this.figures.finishReason]);
    if (typeof tokens === "number") told.push(`${tokens.toLocaleString("en")} ${tokens === 1 ? "token" : "tokens"}`);
    if (this.firstAt !== null) {
      told.push(`first after ${seconds(this.firstAt - this.began)}`, `${seconds(now - this.began)} in all`);
      if (tokens > 1) told.push(`${((tokens * 1000) / (now - this.began)).toFixed(1)} tokens/s`);
    }
    return told;
  }

  showEnding(verdict, message, told) {
    this.article.dataset.verdict = verdict;
    this.ending.replaceChildren();
    if (message) this.ending.append(make("p", { class: "message", dir: "auto" }, message));
    const line = make("p", { class: "figures" }, make("span", { class: "verdict" }, VERDICTS[verdict]));
    for (const figure of told) line.append(" \u00b7 ", make("span", {}, figure));
    const actions = make("p", { class: "actions" });
    const goesOn = verdict !== "complete" || this.figures.finishReason === "length";
    if (this.turn.content && goesOn) actions.append(button("Go on", () => goOn(this), { class: "latest" }));
    if (verdict !== "complete") actions.append(button("Try again", () => tryAgain(this), { class: "latest quiet" }));
    // Browsers have a clipboard for pages of this machine and for those over HTTPS.
    if (this.turn.content && navigator.clipboard) {
      const copy = button("Copy", async () => {
        await navigator.clipboard.writeText(this.turn.content);
        copy.textContent = "Copied";
      });
      actions.append(copy);
    }
    this.ending.append(line, actions);
  }
}

// The end stays in sight while the conversation grows, until the reader scrolls away from it.
let atEnd = true;

function scrollToEnd() {
  atEnd = true;
  main.scrollTop = main.scrollHeight;
}

main.addEventListener("scroll", () => {
  atEnd = main.scrollHeight - main.scrollTop - main.clientHeight < 48;
});
const growth = new ResizeObserver(() => atEnd && scrollToEnd());
growth.observe(at("conversation"));
growth.observe(main);

// The conversation: turns of {role, content}, those of the assistant with a verdict and a message as well.

const STORED = `ndstream chat ${location.pathname}`;
let turns = [];
let current = null; // The reply that is under way, and what stops it.
let unanswered = null; // A reply that the server was not there to give. It is asked for again once it is.

function save() {
  try {
    sessionStorage.setItem(STORED, JSON.stringify(turns));
  } catch {
    // It is too long to be kept over a reload, or the browser keeps nothing.
  }
}

function restore() {
  try {
    turns = JSON.parse(sessionStorage.getItem(STORED)) ?? [];
  } catch {
    turns = [];
  }
  for (const turn of turns) {
    if (turn.role === "user") {
      showPrompt(turn);
      continue;
    }
    const reply = new Reply(turn);
    reply.figures = {};
    turn.verdict ??= "cut";
    if (turn.content) reply.write("text", turn.content);
    reply.showEnding(turn.verdict, turn.message ?? "The page was left before the reply was complete.", []);
    show(reply.article);
  }
  scrollToEnd();
}

function show(article) {
  at("welcome").hidden = true;
  at("conversation").append(article);
  scrollToEnd();
}

function showPrompt(turn) {
  const text = make("div", { class: "text" });
  new GrowingText(text, false).append(turn.content);
  show(make("article", { class: "prompt" }, make("h2", { class: "hidden" }, "You"), text));
}

// What is sent: turns that alternate. A prompt without any answer is left out, except the last one.
function messagesBefore(turn) {
  const messages = [];
  for (const each of turns) {
    if (each === turn) break;
    if (each.content === "") continue;
    if (messages.at(-1)?.role === each.role) messages.pop();
    messages.push({ role: each.role, content: each.content });
  }
  return messages;
}

function send(text) {
  if (current !== null || !text.trim()) return;
  const asked = { role: "user", content: text };
  const turn = { role: "assistant", content: "" };
  turns.push(asked, turn);
  showPrompt(asked);
  const reply = new Reply(turn);
  show(reply.article);
  run(reply, messagesBefore(turn));
}

function goOn(reply) {
  const partial = { role: "assistant", content: reply.turn.content };
  run(reply, [...messagesBefore(reply.turn), partial, { role: "user", content: GO_ON }]);
}

function tryAgain(reply) {
  if (current !== null) return;
  reply.turn.content = "";
  const again = new Reply(reply.turn);
  reply.article.replaceWith(again.article);
  run(again, messagesBefore(reply.turn));
}

async function run(reply, messages) {
  if (current !== null) return;
  const stopper = new AbortController();
  current = { reply, stopper };
  unanswered = null;
  setBusy(true);
  reply.begin();
  scrollToEnd();
  announce("The reply begins.");
  try {
    const response = await fetch("api/chat", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ messages }),
      signal: stopper.signal,
    });
    if (!response.ok) {
      reply.end("error", (await response.text()) || `The server of this page answered ${response.status}.`);
      return;
    }
    for await (const part of partsOf(response.body)) {
      if (!reply.take(part)) {
        reply.end("stopped", `It has more than ${MAX_CHARACTERS.toLocaleString("en")} characters.`);
        stopper.abort();
        break;
      }
    }
    reply.end("cut", "The connection to this page\u2019s server was closed before the reply was complete.");
  } catch (error) {
    if (stopper.signal.aborted) {
      reply.end("stopped");
    } else {
      if (reply.characters === 0) unanswered = reply;
      reply.end("cut", "The connection to this page\u2019s server is lost.");
      lookForServer();
    }
  } finally {
    current = null;
    setBusy(false);
    save();
  }
}

function stop() {
  current?.stopper.abort();
}

function setBusy(busy) {
  // The button that had the focus is about to go.
  const hadFocus = document.activeElement === at("stop") || document.activeElement?.closest?.(".ending, #suggestions");
  at("send").hidden = busy;
  at("stop").hidden = !busy;
  if (hadFocus) prompt.focus();
  document.body.classList.toggle("busy", busy);
}

// The server: whether it is there, and which model it has.

let failures = 0;
let instance = null;
let timer = 0;

async function lookForServer() {
  clearTimeout(timer);
  try {
    const response = await fetch("api/state", { cache: "no-store" });
    if (!response.ok) throw new Error(`${response.status}`);
    showState(await response.json());
    timer = setTimeout(lookForServer, STATE_INTERVAL);
  } catch {
    failures += 1;
    document.body.classList.add("disconnected");
    at("connected").textContent = "Connection lost, trying again";
    timer = setTimeout(lookForServer, RETRY_DELAYS[Math.min(failures, RETRY_DELAYS.length) - 1]);
  }
}

function showState(state) {
  const name = state.model || "Chat";
  if (instance === null) {
    at("connected").textContent = "Connected";
  } else if (failures > 0 || state.instance !== instance) {
    const restarted = state.instance === instance ? "" : ", the server was restarted";
    at("connected").textContent = `Connected again${restarted}`;
  }
  failures = 0;
  instance = state.instance;
  document.body.classList.remove("disconnected");
  document.title = state.model ? `${name} \u2013 chat` : name;
  at("model").textContent = name;
  at("server").textContent = state.server;
  if (unanswered !== null && unanswered.turn === turns.at(-1)) tryAgain(unanswered);
  at("suggestions").replaceChildren(
    ...state.suggestions.map((words) => make("li", {}, button(words, () => send(words), { class: "suggestion" }))),
  );
}

// The controls.

function fitPrompt() {
  prompt.rows = 1;
  while (prompt.scrollHeight > prompt.clientHeight && prompt.rows < 10) prompt.rows += 1;
}

function submit(event) {
  event.preventDefault();
  if (current !== null || !prompt.value.trim()) return;
  const text = prompt.value;
  prompt.value = "";
  fitPrompt();
  prompt.focus();
  send(text);
}

at("composer").addEventListener("submit", submit);
at("stop").addEventListener("click", stop);
at("new").addEventListener("click", () => {
  stop();
  turns = [];
  save();
  at("conversation").replaceChildren();
  at("welcome").hidden = false;
  prompt.focus();
});
prompt.addEventListener("input", fitPrompt);
prompt.addEventListener("keydown", (event) => {
  // Enter also ends the composition of a character, which is no wish to send.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) lookForServer();
});
addEventListener("online", lookForServer);
addEventListener("pagehide", save);

restore();
lookForServer();

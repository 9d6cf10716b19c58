// Decoders of event streams from npm. One request a line on standard input: {decoder, chunks}, chunks in base64;
// one answer a line on standard output: {events, error}.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { EventSource } from "eventsource";
import { createParser } from "eventsource-parser";

const require = createRequire(import.meta.url);
const { EventSourceStream } = require("undici/lib/web/eventsource/eventsource-stream.js");

const decoders = {
  // A parser takes text, so that the decoder of the platform reads the bytes, as its own documentation shows it.
  "eventsource-parser": async (chunks) => {
    const events = [];
    let lastId = "";
    const parser = createParser({
      onEvent: ({ event, data, id }) => {
        if (id !== undefined) lastId = id;
        events.push({ event: event || "message", data, id: lastId });
      },
    });
    const text = new TextDecoder();
    for (const chunk of chunks) parser.feed(text.decode(chunk, { stream: true }));
    parser.feed(text.decode());
    return events;
  },
  undici: async (chunks) => {
    const events = [];
    const settings = { origin: "http://localhost", lastEventId: "", reconnectionTime: 3000 };
    const stream = new EventSourceStream({
      eventSourceSettings: settings,
      // A transform pushes null at its end.
      push: (event) => event && events.push({ event: event.type, data: event.options.data, id: event.options.lastEventId }),
    });
    for (const chunk of chunks) stream.write(chunk);
    await new Promise((resolve, reject) => stream.on("error", reject).on("finish", resolve).end());
    return events;
  },
  eventsource: (chunks) =>
    new Promise((resolve) => {
      const events = [];
      let opened = 0;
      const fetch = async () => {
        opened += 1;
        const body = new ReadableStream({
          start(controller) {
            for (const chunk of chunks) if (chunk.length) controller.enqueue(new Uint8Array(chunk));
            controller.close();
          },
        });
        return { status: 200, body, redirected: false, url: "http://localhost/", headers: new Headers({ "content-type": "text/event-stream" }) };
      };
      const source = new EventSource("http://localhost/", { fetch });
      const collect = ({ type, data, lastEventId }) => events.push({ event: type, data, id: lastEventId });
      // An event's type is known to whoever listens for it alone, so that every type goes through here.
      source.dispatchEvent = ((original) => (event) => {
        if ("data" in event) collect(event);
        return original.call(source, event);
      })(source.dispatchEvent);
      source.onerror = () => {
        source.close();
        resolve(events);
      };
    }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { decoder, chunks } = JSON.parse(line);
  let answer;
  try {
    answer = { events: await decoders[decoder](chunks.map((chunk) => Buffer.from(chunk, "base64"))) };
  } catch (error) {
    answer = { events: [], error: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}

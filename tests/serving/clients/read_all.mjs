// Reads a stream for each name on standard input, and prints what its client made of it as a line of JSON.
import { createInterface } from "node:readline";

export function nothing() {
  return { text: "", thinking: "", calls: [], finish: null, input: null, output: null, error: null };
}

// read(url, found) fills what it finds into `found`, so that what came before an error is kept.
export async function readAll(read) {
  const base = process.argv[2];
  for await (const name of createInterface({ input: process.stdin })) {
    const found = nothing();
    try {
      await read(`${base}/${name}`, found);
    } catch (error) {
      found.error = String(error?.message ?? error);
    }
    console.log(JSON.stringify(found));
  }
}

// A process of its own that fetches a file from the first of several addresses
// that has it. It is one because Node reads HTTPS_PROXY and NO_PROXY only if told
// so when it starts. Nothing here is trusted: whoever asked checks the bytes.
"use strict";
const { createWriteStream } = require("node:fs");
const { Readable } = require("node:stream");
const { pipeline } = require("node:stream/promises");
const { setTimeout: pause } = require("node:timers/promises");

// The times are in milliseconds: until the head of the answer, between two of its
// parts, for all tries of one address, and before the second try.
const limits = { head: 10_000, stall: 15_000, whole: 60_000, pause: 500, tries: 3 };

// Refusal is an answer that asking again does not change.
class Refusal extends Error {}

// fetchOnce writes at most one byte more than size: enough to see that there is more.
async function fetchOnce(url, to, size, limit, deadline) {
  const quiet = new AbortController();
  const late = (ms, what) => setTimeout(() => quiet.abort(new Error(`${what} within ${ms / 1000} s`)), ms);
  let timer = late(limit.head, "no answer");
  try {
    const address = new URL(url);
    const headers = { "user-agent": "registry-action" };
    if (address.username) {
      headers.authorization = `Basic ${Buffer.from(`${decodeURIComponent(address.username)}:${decodeURIComponent(address.password)}`).toString("base64")}`;
      address.username = address.password = "";
    }
    const answer = await fetch(address, { headers, signal: AbortSignal.any([quiet.signal, deadline]) });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      const text = `answered ${answer.status}`;
      throw answer.status >= 500 || answer.status === 408 || answer.status === 429 ? new Error(text) : new Refusal(text);
    }
    let left = size + 1;
    await pipeline(Readable.fromWeb(answer.body ?? new ReadableStream()), async function* (parts) {
      for await (const part of parts) {
        clearTimeout(timer);
        timer = late(limit.stall, "nothing more came");
        yield part.subarray(0, left);
        left -= Math.min(left, part.length);
        if (left === 0) return;
      }
    }, createWriteStream(to, { mode: 0o600 }));
  } catch (err) {
    throw quiet.signal.reason ?? deadline.reason ?? err;
  } finally {
    clearTimeout(timer);
  }
}

// reason is what the user is told: fetch hides it in a chain of causes.
function reason(err) {
  const text = err.name === "TimeoutError" ? "it took too long" : err.message;
  return err.cause ? `${text} (${err.cause.code || err.cause.message})` : text;
}

async function fetchTo(url, to, size, limit) {
  const deadline = AbortSignal.timeout(limit.whole);
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(url, to, size, limit, deadline);
    } catch (err) {
      if (err instanceof Refusal || err instanceof TypeError && err.code === "ERR_INVALID_URL" || deadline.aborted || attempt === limit.tries) throw err;
      await pause(limit.pause * 2 ** (attempt - 1));
    }
  }
}

// download answers {found: index} of the address that had the file, and {failures: texts} of those before it.
async function download({ urls, to, size, limit }) {
  const failures = [];
  for (const [index, url] of urls.entries()) {
    try {
      await fetchTo(url, to, size, { ...limits, ...limit });
      return { found: index, failures };
    } catch (err) {
      failures.push(reason(err));
    }
  }
  return { failures };
}

process.once("message", async (order) => {
  const result = await download(order);
  process.send(result, () => process.disconnect());
});
process.once("disconnect", () => process.exit());

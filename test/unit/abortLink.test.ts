import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { AbortLink } from "../../src/abortLink.js";

setFlagsFromString("--expose-gc");
const collectGarbage: unknown = runInNewContext("gc");

function listenersOf(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}

it("aborts with the first of its sources, for its reason, and lets go of the others", () => {
  const first = new AbortController();
  const second = new AbortController();
  const link = new AbortLink(first.signal, undefined, second.signal);
  expect(link.signal.aborted).toBe(false);
  second.abort("enough");
  expect(link.signal.reason).toBe("enough");
  expect(listenersOf(first.signal)).toBe(0);
  first.abort("too late");
  expect(link.signal.reason).toBe("enough");
});

it("is aborted from the start if a source is", () => {
  const other = new AbortController();
  const link = new AbortLink(other.signal, AbortSignal.abort("before"), other.signal);
  expect(link.signal.reason).toBe("before");
  expect(listenersOf(other.signal)).toBe(0);
});

it("aborts by hand, which its sources never notice", () => {
  const source = new AbortController();
  const link = new AbortLink(source.signal);
  link.abort("by hand");
  expect(link.signal.reason).toBe("by hand");
  expect(source.signal.aborted).toBe(false);
  expect(listenersOf(source.signal)).toBe(0);
});

it("follows nobody once it is released", () => {
  const source = new AbortController();
  const link = new AbortLink(source.signal);
  expect(listenersOf(source.signal)).toBe(1);
  link.release();
  source.abort();
  expect(link.signal.aborted).toBe(false);
});

it("remembers sources that nobody else holds, whatever is collected", async () => {
  if (typeof collectGarbage !== "function") throw new Error("no gc()");
  const aborted = Array.from({ length: 20 }, () => {
    const { signal } = new AbortLink(new AbortController().signal, AbortSignal.timeout(200));
    return new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  for (let round = 0; round < 5; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  expect(await Promise.all(aborted)).toHaveLength(20);
});

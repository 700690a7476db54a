import { describe, expect, it } from "vitest";
import { Pacer } from "../../../../src/core/session/pacer.js";

/** How many full datagrams leave in a span, with a window of 10 datagrams and an RTT of 10 ms. */
function sentWithin(pacer: Pacer, fromMs: number, untilMs: number): number {
  let sent = 0;
  for (let nowMs = fromMs; ; sent += 1) {
    nowMs = Math.max(nowMs, pacer.readyAtMs(nowMs, 12_000, 10));
    if (nowMs > untilMs) return sent;
    pacer.sent(1200);
  }
}

describe("the pacer", () => {
  it("lets ten datagrams leave at once and then waits", () => {
    const pacer = new Pacer();
    expect(sentWithin(pacer, 0, 0)).toBe(10);
    expect(pacer.readyAtMs(0, 12_000, 10)).toBeCloseTo(0.8, 10);
  });

  it("spreads 1.25 windows over a round trip", () => {
    const pacer = new Pacer();
    sentWithin(pacer, 0, 0);
    expect(sentWithin(pacer, 0.001, 100)).toBe(125);
  });

  it("saves up at most ten datagrams", () => {
    const pacer = new Pacer();
    sentWithin(pacer, 0, 0);
    expect(sentWithin(pacer, 10_000, 10_000)).toBe(10);
  });

  it("saves up what is due within a millisecond, where that is more", () => {
    const pacer = new Pacer();
    for (let sent = 0; sent < 10; sent += 1) pacer.sent(1200);
    pacer.readyAtMs(0, 240_000, 5); // 50 datagrams a millisecond
    let sent = 0;
    for (; pacer.readyAtMs(10, 240_000, 5) <= 10; sent += 1) pacer.sent(1200);
    expect(sent).toBe(50);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { INTERFACE_POLL_MS, InterfaceWatch } from "../../../src/net/interfaceWatch.js";
import type { LanInterface } from "../../../src/net/lan.js";

const ETH0: LanInterface = {
  name: "eth0",
  address: "10.0.0.1",
  netmask: "255.255.255.0",
  broadcast: "10.0.0.255",
  loopback: false,
};

describe("InterfaceWatch", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  function watchOf(table: { list: () => readonly LanInterface[] }) {
    const polls: (readonly [number, boolean])[] = [];
    const failures: string[] = [];
    const watch = new InterfaceWatch({
      list: () => table.list(),
      polled: (interfaces, changed) => polls.push([interfaces.length, changed]),
      failed: (code) => failures.push(code),
      nowMs: () => Date.now(),
    });
    return { watch, polls, failures };
  }

  it("looks at once and then every two seconds, and says what changed", () => {
    const table = { list: (): readonly LanInterface[] => [] };
    const { watch, polls } = watchOf(table);
    watch.start();
    expect(polls).toEqual([[0, false]]);
    table.list = () => [ETH0];
    vi.advanceTimersByTime(INTERFACE_POLL_MS);
    vi.advanceTimersByTime(INTERFACE_POLL_MS);
    expect(polls.slice(1)).toEqual([
      [1, true],
      [1, false],
    ]);
    expect(watch.interfaces).toEqual([ETH0]);
    table.list = () => [];
    vi.advanceTimersByTime(INTERFACE_POLL_MS);
    expect(polls.at(-1)).toEqual([0, true]);
    watch.stop();
    vi.advanceTimersByTime(10 * INTERFACE_POLL_MS);
    expect(polls).toHaveLength(4);
  });

  it("keeps what it knew when the table cannot be read", () => {
    const table = { list: (): readonly LanInterface[] => [ETH0] };
    const { watch, polls, failures } = watchOf(table);
    watch.start();
    table.list = () => {
      throw Object.assign(new Error("no"), { code: "EACCES" });
    };
    vi.advanceTimersByTime(INTERFACE_POLL_MS);
    expect(failures).toEqual(["EACCES"]);
    expect(watch.interfaces).toEqual([ETH0]);
    expect(polls).toHaveLength(1);
    watch.stop();
  });

  it("hurries at most once a second, and not after its end", () => {
    const { watch, polls } = watchOf({ list: () => [] });
    watch.hurry();
    expect(polls).toHaveLength(0);
    watch.start();
    watch.hurry();
    expect(polls).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    watch.hurry();
    watch.hurry();
    expect(polls).toHaveLength(2);
    watch.stop();
    vi.advanceTimersByTime(5000);
    watch.hurry();
    expect(polls).toHaveLength(2);
  });
});

import { describe, expect, it } from "vitest";
import { UdpchatError } from "../../../../src/errors.js";
import {
  GroupBus,
  type GroupNode,
  isData,
  multicastBus,
  nackOf,
  type Weather,
} from "../../../support/groupBus.js";

const MBIT = 1_000_000;
/** Lower than the default, so that a second of it costs the test less. */
const limits = { groupMaxBitsPerSecond: 8 * MBIT };

/** A sender that always has more to say, in lines that fill a datagram each. */
class Speaker {
  readonly bus: GroupBus;
  readonly node: GroupNode;
  said = 0;

  constructor(bus: GroupBus, node: GroupNode | undefined) {
    if (node === undefined) throw new Error("nobody speaks");
    this.bus = bus;
    this.node = node;
  }

  /** Returns Mbit/s of what it sent meanwhile, repairs included. */
  talk(forMs: number): number {
    const { bus, node } = this;
    const sentBefore = node.sent.length;
    for (let i = 0; i < forMs / 10; i += 1) {
      this.#fill();
      bus.run(10);
    }
    const data = node.sent.slice(sentBefore).filter(({ bytes }) => isData(bytes));
    return data.reduce((sum, { bytes }) => sum + (bytes.length * 8) / 1000, 0) / forMs;
  }

  #fill(): void {
    for (;;) {
      try {
        this.node.say(this.bus.nowMs, `${this.said} ${"x".repeat(950)}`);
      } catch (error) {
        if (error instanceof UdpchatError && error.code === "LIMIT_REACHED") return;
        throw error;
      }
      this.said += 1;
    }
  }

  /** Lets everything come that was said; `listener` has it all, once and in order. */
  expectHeardBy(...listeners: (GroupNode | undefined)[]): void {
    this.bus.run(60_000);
    const wanted = Array.from({ length: this.said }, (_, i) => `${i}`);
    for (const listener of listeners) {
      expect(listener?.of("gap")).toEqual([]);
      expect(listener?.texts(this.node).map((text) => text.split(" ", 1)[0])).toEqual(wanted);
    }
  }
}

/** What one host can take in: a queue that is emptied at this rate, and drops what does not fit. */
function bottleneck(bus: GroupBus, at: GroupNode | undefined, mbitPerSecond: number): Weather {
  const queueBytes = 64 * 1024;
  let [queuedBytes, atMs] = [0, bus.nowMs];
  return ({ to, bytes }) => {
    if (to !== at) return [0.2];
    const bytesPerMs = (mbitPerSecond * 1000) / 8;
    queuedBytes = Math.max(0, queuedBytes - (bus.nowMs - atMs) * bytesPerMs);
    atMs = bus.nowMs;
    if (queuedBytes + bytes.length > queueBytes) return [];
    queuedBytes += bytes.length;
    return [0.2 + queuedBytes / bytesPerMs];
  };
}

function everythingOf(asker: GroupNode, of: GroupNode, sequence: number): Uint8Array {
  return nackOf(asker, of, { sequence, upTo: 1_000_000 });
}

describe("what is said to a group goes out", () => {
  it("ever faster while nothing is lost, and slowly again after a pause", () => {
    const bus = multicastBus(1);
    const [a, b] = bus.joined(2, { limits });
    const speaker = new Speaker(bus, a);
    speaker.talk(700);
    expect(speaker.talk(300)).toBeCloseTo(8, 0);
    bus.run(20_000);
    expect(speaker.talk(100) * 100).toBeLessThan(64 * 8.192 + 1.1 * 100);
    speaker.expectHeardBy(b);
  });

  it("at the lowest rate to nobody, who could not tell that it is lost", () => {
    const bus = multicastBus(1);
    const [a] = bus.joined(1, { limits });
    const speaker = new Speaker(bus, a);
    speaker.talk(1000);
    expect(speaker.talk(1000)).toBeCloseTo(1, 1);
  });

  it("as fast as the slowest member can take it in", { timeout: 20_000 }, () => {
    const bus = multicastBus(2);
    const [a, b, c] = bus.joined(3, { limits });
    bus.weather = bottleneck(bus, b, 2);
    const speaker = new Speaker(bus, a);
    speaker.talk(3000);
    const rate = speaker.talk(4000);
    expect(rate).toBeGreaterThan(1.2);
    expect(rate).toBeLessThan(2.6);
    speaker.expectHeardBy(b, c);
  });

  it.each([
    { lossPercent: 1, afterMs: 1000, atLeast: 7 },
    { lossPercent: 10, afterMs: 7000, atLeast: 2 },
  ])(
    "not slowed down for ever by a link that loses $lossPercent % at any rate",
    { timeout: 30_000 },
    ({ lossPercent, afterMs, atLeast }) => {
      const bus = multicastBus(3);
      const nodes = bus.joined(4, { limits });
      bus.weather = bus.roughWeather({ loss: lossPercent / 100, duplication: 0, delayMs: 1 });
      const speaker = new Speaker(bus, nodes[0]);
      speaker.talk(afterMs);
      expect(speaker.talk(1000)).toBeGreaterThan(atLeast);
      speaker.expectHeardBy(...nodes.slice(1));
    },
  );

  it("at the lowest rate at least, though a member asks for everything", () => {
    const bus = multicastBus(4);
    const [a, b, insider] = bus.joined(3, { limits });
    if (a === undefined || insider === undefined) return expect.unreachable();
    const speaker = new Speaker(bus, a);
    speaker.talk(1000);
    let asked = 1000;
    const pester = (forMs: number): number => {
      let sum = 0;
      for (let i = 0; i < forMs / 50; i += 1) {
        asked += 1;
        a.groups.receive(bus.nowMs, insider.received(everythingOf(insider, a, asked)));
        sum += speaker.talk(50);
      }
      return sum / (forMs / 50);
    };
    pester(1000);
    const saidBefore = a.groups.mentions().length + speaker.said;
    const rate = pester(2000);
    expect(rate).toBeGreaterThan(0.9);
    expect(rate).toBeLessThan(1.5);
    // Half of it is new.
    expect(speaker.said - saidBefore).toBeGreaterThan(90);
    speaker.expectHeardBy(b);
    return undefined;
  });

  it("at the lowest rate where nothing new is said, whoever asks for what was", () => {
    const bus = multicastBus(4);
    const [a, , insider] = bus.joined(3, { limits });
    if (a === undefined || insider === undefined) return expect.unreachable();
    for (let line = 0; line < 900; line += 1) a.say(bus.nowMs, `${line} ${"x".repeat(950)}`);
    bus.run(30_000);
    const sentBefore = a.sent.length;
    for (let asked = 1001; asked < 1061; asked += 1) {
      a.groups.receive(bus.nowMs, insider.received(everythingOf(insider, a, asked)));
      bus.run(100);
    }
    const data = a.sent.slice(sentBefore).filter(({ bytes }) => isData(bytes));
    expect(data.reduce((sum, { bytes }) => sum + bytes.length, 0) * 8).toBeLessThan(6 * 1.2 * MBIT);
    return undefined;
  });

  it("slowly to who comes back behind a narrow link", () => {
    const bus = multicastBus(2);
    const [a, b, c] = bus.joined(3, { limits });
    const speaker = new Speaker(bus, a);
    bus.weather = ({ to }) => (to === b ? [] : [0.2]);
    speaker.talk(2000);
    bus.run(2000);
    bus.weather = bottleneck(bus, b, 1.5);
    const sentBefore = speaker.node.sent.length;
    bus.run(10_000);
    const repairs = speaker.node.sent.slice(sentBefore).filter(({ bytes }) => isData(bytes));
    // Twice what passes, while it falls from where it was.
    expect(repairs.reduce((sum, { bytes }) => sum + bytes.length, 0) * 8).toBeLessThan(30 * MBIT);
    speaker.expectHeardBy(b, c);
  });

  it("to those who are here, at their rate; who was away has it from them afterwards", () => {
    const bus = new GroupBus(6);
    const [a, b, c] = bus.joined(3, { limits });
    const speaker = new Speaker(bus, a);
    bus.weather = ({ from, to }) => (to === c || from === c ? [] : [0.2]);
    speaker.talk(700);
    expect(speaker.talk(300)).toBeCloseTo(8, 0);
    bus.run(60_000);
    bus.weather = () => [0.2];
    speaker.expectHeardBy(b, c);
    expect(c?.notes.length).toBeGreaterThan(0);
  });

  it("no faster for a while than it can be repeated to who stood still", () => {
    const bus = multicastBus(5);
    const few = { ...limits, groupLogDatagrams: 1000 };
    const [a, b, c] = bus.joined(3, { limits: few });
    const speaker = new Speaker(bus, a);
    speaker.talk(500);
    bus.weather = ({ to }) => (to === c ? [] : [0.2]);
    speaker.talk(5000);
    bus.weather = () => [0.2];
    expect(speaker.said).toBeGreaterThan(1000);
    speaker.expectHeardBy(b, c);
  });
});

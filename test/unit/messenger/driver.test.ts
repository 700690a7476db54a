import { describe, expect, it } from "vitest";
import { Core } from "../../../src/core/core.js";
import { identityFromSeed, verifyEd25519 } from "../../../src/crypto/identity.js";
import { Driver, type Settling } from "../../../src/messenger/driver.js";
import { clearSuite } from "../../support/clearSuite.js";
import { ManualClock } from "../../support/manualClock.js";
import { type MemoryLan, MemorySegment } from "../../support/memoryLan.js";
import { SeededRandom } from "../../support/seededRandom.js";

/** A clock whose turns end when the test says so. */
class TurnClock extends ManualClock {
  turn: () => void = () => undefined;
  answers = 0;

  override endOfTurn(callback: () => void): void {
    this.turn = callback;
  }

  override afterPromises(callback: () => void): void {
    this.answers += 1;
    super.afterPromises(callback);
  }
}

interface Driven {
  readonly driver: Driver;
  readonly clock: TurnClock;
  readonly lan: MemoryLan;
}

async function drive(settle: Settling["settle"]): Promise<Driven> {
  const random = new SeededRandom(5);
  const clock = new TurnClock();
  const core = new Core(0, {
    identity: identityFromSeed(random.bytes(32)),
    verify: verifyEd25519,
    handshakeSuite: clearSuite,
    random,
    name: "alice",
    dataPort: 22_400,
    startedAtMs: 0,
    announce: true,
  });
  const lan = await new MemorySegment().open(
    { dataPort: 22_400, discoveryPort: 22_401, discoveryGroup: "239.255.224.1" },
    {
      datagram: () => undefined,
      interfacesChanged: () => undefined,
      trouble: () => undefined,
    },
  );
  return {
    driver: new Driver(core, lan, clock, {
      prepare: () => undefined,
      record: (events) => events,
      settle,
    }),
    clock,
    lan,
  };
}

/** To somebody who is not known: it fails in the next turn. */
function sendInVain(driver: Driver, token: number): void {
  const target = { kind: "device", id: "00".repeat(32) } as const;
  driver.command((core, nowMs) =>
    core.send(nowMs, { token, target, kind: "text", body: new Uint8Array(0), sentAtMs: 0 }),
  );
}

describe("Driver", () => {
  it("transmits, arms its timer and settles the rest though an event cannot be settled", async () => {
    const settled: string[] = [];
    const { driver, clock, lan } = await drive((event) => {
      settled.push(event.kind);
      throw new Error(`no room for number ${settled.length}`);
    });
    for (const token of [1, 2]) sendInVain(driver, token);
    driver.command((core, nowMs) => core.query(nowMs));
    const turnOver = driver.afterTurn();
    expect(() => clock.turn()).toThrow("no room for number 1");
    await turnOver;
    expect(settled).toEqual(["failed", "failed"]);
    expect(lan.counters().datagramsSent).toBeGreaterThan(0);
    expect(clock.pending).toBe(1);
  });

  it("sends an answer to what a turn told before the event loop goes on", async () => {
    const { driver, clock, lan } = await drive(() => {
      void Promise.resolve()
        .then(() => undefined)
        .then(() => driver.command((core, nowMs) => core.query(nowMs)));
    });
    sendInVain(driver, 1);
    clock.turn();
    const before = lan.counters().datagramsSent;
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(lan.counters().datagramsSent).toBeGreaterThan(before);
  });

  it("lets the event loop go on though every turn is answered", async () => {
    let told = 0;
    const { driver, clock } = await drive(() => {
      told += 1;
      if (told < 100) queueMicrotask(() => sendInVain(driver, told));
    });
    sendInVain(driver, 0);
    for (let turn = 1; turn <= 3; turn += 1) {
      clock.turn();
      await new Promise((resolve) => setImmediate(resolve));
      expect([told, clock.answers]).toEqual([2 * turn, turn]);
    }
  });
});

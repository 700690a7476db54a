import { describe, expect, it } from "vitest";
import { Core } from "../../../src/core/core.js";
import { identityFromSeed, verifyEd25519 } from "../../../src/crypto/identity.js";
import { Driver } from "../../../src/messenger/driver.js";
import { clearSuite } from "../../support/clearSuite.js";
import { ManualClock } from "../../support/manualClock.js";
import { MemorySegment } from "../../support/memoryLan.js";
import { SeededRandom } from "../../support/seededRandom.js";

/** A clock whose turns end when the test says so. */
class TurnClock extends ManualClock {
  turn: () => void = () => undefined;

  override endOfTurn(callback: () => void): void {
    this.turn = callback;
  }
}

describe("Driver", () => {
  it("transmits, arms its timer and settles the rest though an event cannot be settled", async () => {
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
    const settled: string[] = [];
    const driver = new Driver(core, lan, clock, {
      record: (events) => events,
      settle: (event) => {
        settled.push(event.kind);
        throw new Error(`no room for number ${settled.length}`);
      },
    });
    driver.command(() => {
      for (const token of [1, 2]) {
        const target = { kind: "device", id: "00".repeat(32) } as const;
        const body = new Uint8Array(0);
        core.send(0, { token, target, kind: "text", body, sentAtMs: 0 });
      }
      core.query(0);
    });
    const turnOver = driver.afterTurn();
    expect(() => clock.turn()).toThrow("no room for number 1");
    await turnOver;
    expect(settled).toEqual(["failed", "failed"]);
    expect(lan.counters().datagramsSent).toBeGreaterThan(0);
    expect(clock.pending).toBe(1);
  });
});

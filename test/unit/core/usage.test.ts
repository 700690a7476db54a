import { describe, expect, it } from "vitest";
import { Core } from "../../../src/core/core.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";
import { FrameType, Lane } from "../../../src/wire/frames.js";
import { clearSuite } from "../../support/clearSuite.js";
import { RawPeer } from "../../support/rawPeer.js";
import { SeededRandom } from "../../support/seededRandom.js";
import { SessionWire } from "../../support/sessionWire.js";
import { simIdentity, simVerify } from "../../support/simIdentity.js";

describe("the usage of what is bounded", () => {
  it("is nothing at first, and counts whom we call", () => {
    const core = new Core(0, {
      identity: simIdentity("alice"),
      verify: simVerify,
      handshakeSuite: clearSuite,
      random: new SeededRandom(1),
      name: "alice",
      dataPort: 22_400,
      startedAtMs: 0,
      announce: true,
    });
    expect(new Set(Object.values(core.usage()))).toEqual(new Set([0]));
    const target = { kind: "address", to: { address: "10.0.0.2", port: 22_400 } } as const;
    core.send(0, { token: 1, target, kind: "text", body: encodeUtf8("hello"), sentAtMs: 0 });
    expect(core.usage()).toMatchObject({ dials: 1, sessions: 0, halfOpenHandshakes: 0 });
  });

  it("counts sessions and unfinished records", () => {
    const wire = new SessionWire();
    const host = wire.host("host");
    const raw = new RawPeer(wire, host);
    raw.connect();
    raw.send({
      type: FrameType.fragment,
      lane: Lane.ordered,
      sequence: 1,
      base: 1,
      totalBytes: 1_000,
      offset: 0,
      slice: new Uint8Array(500),
    });
    expect(host.sessions.sessionCount).toBe(1);
    expect(host.sessions.reassemblyBytesUsed).toBe(1_000);
  });
});

import { describe, expect, it } from "vitest";
import type { Address } from "../../../../src/core/io.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { FrameType } from "../../../../src/wire/frames.js";
import { encodeHandshakeFinish } from "../../../../src/wire/session.js";
import { ackOf, messageFrame, numbersTo, RawPeer, sealed } from "../../../support/rawPeer.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

const ELSEWHERE = { address: "10.0.0.66", port: 22400 };
const PING = new Uint8Array([FrameType.ping]);

function connected(): { wire: SessionWire; host: SessionHost; raw: RawPeer } {
  const wire = new SessionWire();
  const host = wire.host("host");
  const raw = new RawPeer(wire, host);
  raw.connect();
  return { wire, host, raw };
}

/** Where the host sends the next text for the device of `raw`. */
function pathTo(wire: SessionWire, host: SessionHost, raw: RawPeer): string | undefined {
  let path: string | undefined;
  const { tap } = wire;
  wire.tap = (datagram) => {
    path = datagram.to.address;
    return tap(datagram);
  };
  host.send({ kind: "device", id: raw.device }, "hello");
  wire.run(0);
  wire.tap = tap;
  return path;
}

function from(wire: SessionWire, host: SessionHost, source: Address, bytes: Uint8Array): void {
  wire.inject(source, host, bytes);
  wire.run(2 * wire.delayMs);
}

describe("the path of a session", () => {
  it("follows the newest packet, once what was sent there was acknowledged", () => {
    const { wire, host, raw } = connected();
    raw.send({ type: FrameType.ping });
    const [challenge = 0] = challenged(wire, host, raw);
    expect(host.heardAt.at(-1)).toEqual(raw.address);
    from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, 2, ackOf(challenge)));
    expect(host.heardAt.at(-1)).toEqual(ELSEWHERE);
    for (let i = 0; i < 10; i += 1) expect(pathTo(wire, host, raw)).toBe(ELSEWHERE.address);
  });

  /** A packet came from elsewhere: the numbers of what goes there. */
  function challenged(wire: SessionWire, host: SessionHost, raw: RawPeer): number[] {
    const numbers = numbersTo(wire, ELSEWHERE);
    from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, 1, PING));
    expect(numbers.length).toBeGreaterThan(0);
    return numbers;
  }

  it("follows nobody who guesses the number of what was sent there", () => {
    const { wire, host, raw } = connected();
    raw.send({ type: FrameType.ping });
    const [challenge = 0] = challenged(wire, host, raw);
    host.send({ kind: "device", id: raw.device }, "a".repeat(1_000));
    wire.run(1);
    // It knows those around it, and that the other one is between them.
    const numbers = raw.opened.map(({ counter }) => counter);
    const before = Math.max(...numbers.slice(0, -1));
    const behind = numbers.at(-1) ?? 0;
    expect(before).toBeLessThan(challenge - 1);
    expect(behind).toBeGreaterThan(challenge + 1);
    const guesses = [ackOf(before + 1, behind - 1), ackOf(challenge - 1), ackOf(challenge, behind)];
    for (const [i, guess] of guesses.entries()) {
      from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, 2 + i, guess));
    }
    expect(host.heardAt).not.toContainEqual(ELSEWHERE);
  });

  it("stays where it is if the newest packet comes from there again", () => {
    const { wire, host, raw } = connected();
    raw.send({ type: FrameType.ping });
    const [challenge = 0] = challenged(wire, host, raw);
    from(wire, host, raw.address, sealed(raw.remoteIndex, 2, PING));
    from(wire, host, raw.address, sealed(raw.remoteIndex, 3, ackOf(challenge)));
    expect(pathTo(wire, host, raw)).toBe(raw.address.address);
  });

  it("begins where the peer was reached, whatever address its last handshake message came from", () => {
    const wire = new SessionWire();
    const host = wire.host("host");
    const raw = new RawPeer(wire, host);
    const numbers = numbersTo(wire, ELSEWHERE);
    const receive = host.receive.bind(host);
    host.receive = (nowMs, bytes, source) => {
      const isLast = bytes[2] === DatagramType.handshakeFinish;
      receive(nowMs, bytes, isLast ? ELSEWHERE : source);
    };
    raw.connect();
    expect(pathTo(wire, host, raw)).toBe(raw.address.address);
    expect(numbers).toEqual([]);
    // It may have left: what is for whoever is there is not for this session.
    host.send({ kind: "address", to: raw.address }, "whoever you are");
    wire.run(0);
    expect(host.sentOfType("handshakeInit")).toBe(1);
  });

  it("is asked again if nothing comes back, six times in all", () => {
    const { wire, host, raw } = connected();
    const numbers = numbersTo(wire, ELSEWHERE);
    from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, 0, new Uint8Array(100)));
    const began = numbers.length;
    const counts = [200, 300, 500, 1_000, 2_000, 4_000, 8_000, 60_000].map((spanMs) => {
      wire.run(spanMs);
      return numbers.length - began;
    });
    expect(counts).toEqual([0, 1, 2, 3, 4, 5, 5, 5]);
    expect(host.sessions.nextWakeMs()).toBeGreaterThan(wire.nowMs);
  });

  it("is asked again, more and more rarely, as long as packets come from there", () => {
    const { wire, host, raw } = connected();
    const numbers = numbersTo(wire, ELSEWHERE);
    const NOTHING = new Uint8Array([FrameType.padding, FrameType.padding]);
    const atMs: number[] = [];
    const beganMs = wire.nowMs;
    for (let i = 0; wire.nowMs < beganMs + 4_000; i += 1) {
      const before = numbers.length;
      from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, i, NOTHING));
      if (numbers.length > before) atMs.push(Math.round((wire.nowMs - beganMs) / 100) * 100);
      wire.run(49);
    }
    expect(atMs).toEqual([0, 300, 800, 1800, 3800]);
  });

  it("is not moved by a packet again, from elsewhere", () => {
    const { wire, host, raw } = connected();
    raw.send({ type: FrameType.ping });
    from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, 0, PING));
    expect(host.context.counters.get("packetsDuplicate")).toBe(1);
    expect(pathTo(wire, host, raw)).toBe(raw.address.address);
  });

  it("is not moved by a packet that was held back while newer ones arrived", () => {
    const { wire, host, raw } = connected();
    const numbers = numbersTo(wire, ELSEWHERE);
    from(wire, host, raw.address, sealed(raw.remoteIndex, 9, PING));
    from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, 8, PING));
    expect(numbers).toEqual([]);
    expect(host.context.counters.get("packetsReceived")).toBe(2);
    expect(pathTo(wire, host, raw)).toBe(raw.address.address);
  });

  it("is not moved by a packet that was not taken and comes again from elsewhere", () => {
    const { wire, host, raw } = connected();
    const unreadable = { ...messageFrame(1), record: new Uint8Array(0) };
    const packetNumber = raw.send(unreadable);
    expect(host.context.counters.get("datagramsMalformed")).toBe(1);
    from(wire, host, ELSEWHERE, raw.datagramOf(packetNumber));
    expect(pathTo(wire, host, raw)).toBe(raw.address.address);
  });

  it("is not moved by a packet with a wrong seal", () => {
    const { wire, host, raw } = connected();
    from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, 5, PING).fill(1, 20));
    expect(host.context.counters.get("datagramsForged")).toBe(1);
    expect(pathTo(wire, host, raw)).toBe(raw.address.address);
  });
});

describe("who seems to be at an address, without having been reached there", () => {
  /** Mallory has a session, and says that she is where Bob is. */
  function scene(): { wire: SessionWire; host: SessionHost; bob: SessionHost; mallory: RawPeer } {
    const { wire, host, raw } = connected();
    return { wire, host, bob: wire.host("bob"), mallory: raw };
  }

  it("gets nothing that is sent to that address: not by a packet with a forged source", () => {
    const { wire, host, bob, mallory } = scene();
    from(wire, host, bob.address, sealed(mallory.remoteIndex, 0, PING));
    host.sendTo(bob, "for bob");
    from(wire, host, mallory.address, sealed(mallory.remoteIndex, 1, PING));
    wire.run(1_000);
    expect(mallory.framesOf(FrameType.message)).toEqual([]);
    expect(bob.texts).toEqual(["for bob"]);
  });

  it("gets nothing that is sent to that address: not by a third handshake message from there", () => {
    const { wire, host, bob, mallory } = scene();
    let finish: Uint8Array | undefined;
    const receive = host.receive.bind(host);
    // Her handshake's last message comes as if from Bob, who is being called.
    host.receive = (nowMs, bytes, source) => {
      const isHers = source.address === mallory.address.address;
      if (isHers && bytes[2] === DatagramType.handshakeFinish) finish = Uint8Array.from(bytes);
      else receive(nowMs, bytes, source);
    };
    bob.up = false;
    host.sendTo(bob, "for bob");
    mallory.connect({ incarnation: "01".repeat(8) });
    host.receive = receive;
    from(
      wire,
      host,
      bob.address,
      finish ?? encodeHandshakeFinish({ receiverIndex: 0, message: PING }),
    );
    host.sendTo(bob, "for bob, too");
    from(wire, host, mallory.address, sealed(mallory.remoteIndex, 0, PING));
    bob.up = true;
    wire.run(2_000);
    expect(host.context.counters.get("handshakesCompleted")).toBe(3);
    expect(mallory.framesOf(FrameType.message)).toEqual([]);
    expect(bob.texts).toEqual(["for bob", "for bob, too"]);
  });
});

describe("what is sent to an address that a peer has left", () => {
  it("is for whoever is there now: it does not follow the peer", () => {
    const { wire, host, raw } = connected();
    const left = raw.address;
    from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, 0, PING));
    expect(host.sentOfType("handshakeInit")).toBe(0);
    host.send({ kind: "address", to: left }, "whoever you are");
    wire.run(0);
    expect(host.sentOfType("handshakeInit")).toBe(1);
    expect(raw.framesOf(FrameType.message)).toEqual([]);
  });
});

describe("a sealed datagram", () => {
  it("is dropped before its seal is tried if its number was here or is too old", () => {
    const wire = new SessionWire();
    const host = wire.host("host", { limits: { replayWindowPackets: 8 } });
    const raw = new RawPeer(wire, host);
    raw.connect();
    from(wire, host, raw.address, sealed(raw.remoteIndex, 100, PING));
    const forged = (counter: number): Uint8Array =>
      sealed(raw.remoteIndex, counter, PING).fill(1, 20);
    for (const counter of [100, 91, 0]) from(wire, host, raw.address, forged(counter));
    expect(host.context.counters.get("packetsDuplicate")).toBe(3);
    expect(host.context.counters.get("datagramsForged")).toBe(0);
    for (const counter of [92, 101]) from(wire, host, raw.address, forged(counter));
    expect(host.context.counters.get("datagramsForged")).toBe(2);
    // A forgery uses no number up.
    from(wire, host, raw.address, sealed(raw.remoteIndex, 101, PING));
    expect(raw.wasAcknowledged(101)).toBe(true);
  });
});

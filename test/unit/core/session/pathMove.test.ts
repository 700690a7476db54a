import { describe, expect, it } from "vitest";
import type { Address } from "../../../../src/core/io.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { FrameType } from "../../../../src/wire/frames.js";
import { encodeHandshakeFinish } from "../../../../src/wire/session.js";
import { messageFrame, RawPeer, sealed } from "../../../support/rawPeer.js";
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
  it("follows the newest packet", () => {
    const { wire, host, raw } = connected();
    raw.send({ type: FrameType.ping });
    from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, 1, PING));
    expect(pathTo(wire, host, raw)).toBe(ELSEWHERE.address);
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
    from(wire, host, raw.address, sealed(raw.remoteIndex, 9, PING));
    from(wire, host, ELSEWHERE, sealed(raw.remoteIndex, 8, PING));
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

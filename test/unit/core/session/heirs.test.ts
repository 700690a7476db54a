import { beforeEach, describe, expect, it } from "vitest";
import { CloseReason } from "../../../../src/core/session/session.js";
import { decodeUtf8 } from "../../../../src/wire/cursor.js";
import { FrameType } from "../../../../src/wire/frames.js";
import { decodeRecord } from "../../../../src/wire/record.js";
import { messageFrame, RawPeer } from "../../../support/rawPeer.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

function textsTo(raw: RawPeer): string[] {
  return raw.framesOf(FrameType.message).map(({ record }) => decodeUtf8(decodeRecord(record).body));
}

/** A device that started twice, in two places; it is not known whether the first start lives. */
describe("a text that waits for the former of two starts of a device", () => {
  let wire: SessionWire;
  let host: SessionHost;
  let former: RawPeer;
  let later: RawPeer;

  beforeEach(() => {
    wire = new SessionWire();
    host = wire.host("host", { limits: { sessions: 2, rekeyAfterMs: 10_000 } });
    former = new RawPeer(wire, host, "raw", 50);
    later = new RawPeer(wire, host, "raw", 51);
    appearFormer();
  });

  function appearFormer(): void {
    former.connect({ incarnation: "00000000000000f1" });
  }

  function write(text: string): void {
    host.send({ kind: "device", id: former.device }, text);
    wire.run(1);
  }

  function appear(): void {
    later.connect({ incarnation: "00000000000000f2" });
  }

  it("goes to the later one as soon as the former says that it leaves, before what is newer", () => {
    write("first");
    appear();
    write("second"); // behind the first
    expect(textsTo(later)).toEqual([]);
    former.send({ type: FrameType.close, reason: CloseReason.leaving });
    expect(textsTo(later)).toEqual(["first", "second"]);
  });

  it("does not hold up what is for whoever is at the address of the later one", () => {
    write("first");
    appear();
    host.send({ kind: "address", to: later.address }, "to that place");
    wire.run(1);
    expect(textsTo(later)).toEqual(["to that place"]);
  });

  it("outlasts the later one, which gave way to somebody else, and goes to it when it is back", () => {
    write("first");
    appear();
    wire.host("carol").sendTo(host, "hello");
    wire.run(3_000); // the former is silent all the time
    expect(host.texts).toEqual(["hello"]);
    expect(textsTo(later)).toEqual([]);
    appear();
    wire.run(3_000);
    expect(textsTo(later)[0]).toEqual("first");
  });

  it("goes to the later one when the keys of the former may not be used any more", () => {
    wire.run(19_000);
    write("first");
    wire.run(900);
    appear();
    wire.nowMs += 200;
    write("second");
    expect(textsTo(later)).toEqual(["first", "second"]);
    // The former one lives after all; what it says is known for good, whatever became of its link.
    appearFormer();
    former.send(messageFrame(1));
    host.sessions.blocked(wire.nowMs, former.device);
    wire.run(700_000);
    expect(host.sessions.sessionCount).toBe(0);
    appearFormer();
    former.send(messageFrame(1));
    expect(host.texts).toEqual(["text 1"]);
  });
});

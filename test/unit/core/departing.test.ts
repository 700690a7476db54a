import { describe, expect, it } from "vitest";
import { SimNetwork } from "../../support/simNetwork.js";

describe("a core that leaves", () => {
  it("tells when it has nothing to do any more, once, and wants no wake-up after that", () => {
    const net = new SimNetwork(5);
    const [alice, bob] = [net.addNode("alice"), net.addNode("bob")];
    net.run(3_000);
    alice.send(bob, "goodbye");
    net.run(100);
    alice.core.leave(net.nowMs);
    net.pump(alice);
    const departed = () => alice.events.filter(({ kind }) => kind === "departed").length;
    expect(departed()).toBe(0); // the goodbye is said three times
    net.run(5_000);
    expect(departed()).toBe(1);
    expect(alice.core.poll(net.nowMs)).toEqual({
      events: [],
      transmits: [],
      wakeAtMs: Number.POSITIVE_INFINITY,
    });
    expect(bob.textsFrom(alice)).toEqual(["goodbye"]);
  });
});

import { describe, expect, it } from "vitest";
import { SimNetwork, type SimNode } from "../../../support/simNetwork.js";

/** Bob, and two living processes of Alice: her daemon, and one that runs for a moment. */
class Scene {
  readonly net = new SimNetwork(3);
  readonly bob: SimNode = this.net.addNode("bob");
  readonly daemon: SimNode = this.net.addNode("alice", { device: "alice" });

  constructor() {
    this.net.run(3_000);
    this.bob.send(this.daemon, "hello");
    this.net.run(100);
  }

  /** It writes to Bob. */
  oneShot(): SimNode {
    const dataPort = 22_410;
    const node = this.net.addNode("once", { device: "alice", announce: false, dataPort });
    this.net.run(10);
    node.sendTo(this.bob.address, "quick question");
    this.net.run(100);
    return node;
  }
}

describe("a message to a device with two living processes", () => {
  it("goes to the one that announces itself, whoever spoke last", () => {
    const scene = new Scene();
    const oneShot = scene.oneShot();
    const before = scene.bob.core.counters().handshakesStarted;
    scene.bob.send(scene.daemon, "for the daemon");
    scene.net.run(1_000);
    expect(scene.daemon.textsFrom(scene.bob)).toEqual(["hello", "for the daemon"]);
    expect(scene.bob.core.counters().handshakesStarted).toBe(before);
    expect(oneShot.textsFrom(scene.bob)).toEqual([]);
  });

  it("stays with the one that it was sent to, when the other appears meanwhile", () => {
    const scene = new Scene();
    scene.daemon.handler = () => null;
    const asked = scene.bob.ask(scene.daemon, "slow question");
    scene.net.run(100);
    const oneShot = scene.oneShot();
    scene.net.run(100); // the daemon shows that it is alive, and is not heard for a moment
    scene.daemon.up = false;
    scene.bob.send(scene.daemon, "for the daemon");
    scene.net.run(2_000);
    scene.daemon.up = true;
    scene.net.run(5_000);
    expect(scene.daemon.textsFrom(scene.bob)).toEqual(["hello", "for the daemon"]);
    expect(oneShot.textsFrom(scene.bob)).toEqual([]);
    const ended = scene.bob.events.filter(
      (event) => event.kind === "failed" && event.token === asked,
    );
    expect(ended).toEqual([]);
  });
});

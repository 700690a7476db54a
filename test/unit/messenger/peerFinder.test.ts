import { afterEach, describe, expect, it, vi } from "vitest";
import { Core } from "../../../src/core/core.js";
import { MessengerWorld } from "../../support/messengerWorld.js";

let world: MessengerWorld | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await world?.end();
});

describe("a peer finder", () => {
  it("finds whom a name means without a look at everybody", async () => {
    world = new MessengerWorld();
    const { clock } = world;
    const { messenger: alice } = await world.start("alice");
    const { messenger: bob } = await world.start("bob");
    await clock.advance(5_000);
    // The first message of a stranger is compared with everybody's name, once.
    await clock.until(alice.send("bob", "first"));
    const { id, port } = bob.status();
    const lookAtAll = vi.spyOn(Core.prototype, "peers");
    for (const name of ["bob", `bob~${id.slice(0, 4)}`, id.slice(0, 8), `10.0.0.2:${port}`]) {
      const { to } = await clock.until(alice.send(name, "hello"));
      expect(to.id, name).toBe(id);
    }
    expect(lookAtAll).not.toHaveBeenCalled();
    expect(alice.peers().map((peer) => peer.name)).toEqual(["bob"]);
    expect(lookAtAll).toHaveBeenCalledOnce();
  });
});

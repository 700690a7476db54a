import { afterEach, describe, expect, it } from "vitest";
import { toStatusLine } from "../../../src/api/toLines.js";
import { statusText } from "../../../src/cli/printers/results.js";
import { MessengerWorld } from "../../support/messengerWorld.js";

const world = new MessengerWorld();
afterEach(() => world.end());

describe("somebody who speaks a later version of the protocol alone", () => {
  it("is why a colleague is not seen: a warning, once, and a line in the status", async () => {
    const alice = await world.start("alice");
    const text = (): string => statusText(toStatusLine(alice.messenger.status(), 1));
    expect(text()).not.toContain("newer");
    const ports = { dataPort: 0, discoveryPort: 22_401, discoveryGroup: "239.255.22.40" };
    const deaf = {
      datagram: () => undefined,
      interfacesChanged: () => undefined,
      trouble: () => undefined,
    };
    const stranger = await world.segment.open(ports, deaf);
    for (let second = 0; second < 40; second += 1) {
      stranger.sendLan(Uint8Array.of(0xf9, 2, 1, 0));
      await world.clock.advance(1000);
    }
    const warnings = alice.told.flatMap((e) => (e.type === "warning" ? [e.warning] : []));
    const [newer] = alice.messenger.status().newerVersions;
    expect(newer).toMatchObject({ version: 2 });
    expect(warnings).toEqual([
      {
        code: "NEWER_VERSION",
        message:
          `somebody at ${newer?.address} uses a newer udpchat (protocol version 2) that this ` +
          "one does not understand: update it to see them",
        peer: null,
      },
    ]);
    expect(text()).toContain(
      `newer udpchat: ${newer?.address} (version 2): update this one to see who is there`,
    );
    await stranger.close();
  });
});

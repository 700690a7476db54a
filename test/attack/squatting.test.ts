/** Somebody on the same LAN calls himself as another does. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildBin, eventually, type RunningCommand } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

describeOnNamespaces("a nickname that two have", () => {
  let users: LanUsers;
  let alice: LanUser;
  let bob: LanUser;
  let squatter: LanUser;
  let overheard: RunningCommand;

  beforeAll(async () => {
    await buildBin();
    users = new LanUsers(3);
    alice = users.user(0, "alice");
    bob = users.user(1, "bob");
    // A home of his own, and another's name.
    squatter = users.user(2, "squatter");
    for (const user of [alice, bob]) expect((await user.run(["start"])).code).toBe(0);
    expect((await alice.run(["send", "bob", "to the true bob"])).code).toBe(0);
    expect((await squatter.run(["start", "--name", "bob"])).code).toBe(0);
    overheard = squatter.spawn("listen");
    await overheard.prints(/listening/);
    await eventually(
      async () =>
        (await alice.api.call("peers", {})).filter(({ name }) => name === "bob").length > 1,
      () => "both to be in the roster",
    );
  });
  afterAll(() => users.dispose());

  it("gets the one who took it nothing, while the other is there", async () => {
    const sent = await alice.run(["send", "bob", "for bob alone"]);
    expect(sent.code, sent.stderr).not.toBe(4);
    expect(overheard.stdout).not.toContain("for bob alone");
  });

  it("gets him nothing when the other is gone either", async () => {
    expect((await bob.run(["stop"])).code).toBe(0);
    await eventually(
      async () =>
        (await alice.api.call("peers", {})).some((p) => p.name === "bob" && p.state === "offline"),
      () => "bob to be offline",
    );
    const sent = await alice.run(["send", "bob", "for bob alone, later"]);
    expect(sent.code, sent.stdout).not.toBe(0);
    expect(sent.stderr).toMatch(/bob/);
    expect(overheard.stdout).not.toContain("for bob alone, later");
  });

  it("is told to who has him in the roster, by key", async () => {
    const { stdout } = await alice.run(["peers"]);
    expect(stdout.match(/bob~[0-9a-f]{4}/g)?.length).toBeGreaterThanOrEqual(1);
    // By key he is reached as whoever he is: his name is a label.
    const { id } = await squatter.api.call("status", {});
    expect((await alice.run(["send", id.slice(0, 16), "to the squatter, knowingly"])).code).toBe(0);
    await overheard.prints(/to the squatter, knowingly/);
  });

  it("gets him nothing from who only remembers the other", async () => {
    expect((await alice.run(["stop"])).code).toBe(0);
    expect((await alice.run(["start"])).code).toBe(0);
    expect((await alice.run(["discover"])).stdout).toMatch(/bob/);
    const sent = await alice.run(["send", "bob", "for bob alone, in the end"]);
    expect(sent.code, sent.stdout).toBe(5);
    expect(sent.stderr).toMatch(/another key/);
    expect(overheard.stdout).not.toContain("for bob alone, in the end");
  });
});

/** A secret group between hosts: who reads it, who does not, and who is told what. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, expect, it } from "vitest";
import { InvitationLineSchema, InvitedLineSchema, RemovedLineSchema } from "../../src/api/lines.js";
import { buildBin, eventually, type RunningCommand } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

describeOnNamespaces("a secret group of hosts", () => {
  let users: LanUsers;
  let folder: string;
  let alice: LanUser;
  let bob: LanUser;
  let carol: LanUser;
  let dave: LanUser;
  let eve: LanUser;
  /** Bob's, without a daemon. */
  let chat: RunningCommand;
  /** Eve's, in the open group of the same name. */
  let open: RunningCommand;

  beforeAll(async () => {
    await buildBin();
    folder = mkdtempSync(join(tmpdir(), "udpchat-passphrases-"));
    users = new LanUsers(5);
    [alice, bob, carol, dave, eve] = [
      users.user(0, "alice"),
      users.user(1, "bob"),
      users.user(2, "carol"),
      users.user(3, "dave"),
      users.user(4, "eve"),
    ];
    open = eve.spawn("join", "#ops");
    await open.prints(/anyone on this network can read this group/);
  });
  afterAll(async () => {
    await users.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Words of the command line. */
  function passphrase(text: string): string[] {
    const file = join(folder, String(text.length));
    writeFileSync(file, `${text}\n`);
    return ["--passphrase-file", file];
  }

  async function start(user: LanUser): Promise<void> {
    expect(await user.run(["start"])).toMatchObject({ code: 0, stderr: "" });
  }

  async function say(user: LanUser, text: string): Promise<void> {
    expect(await user.run(["say", "#ops", text])).toMatchObject({ code: 0 });
  }

  async function listener(user: LanUser): Promise<RunningCommand> {
    const command = user.spawn("listen");
    await command.prints(/listening as/);
    return command;
  }

  /** Until what one says is read by the others: members find each other in a moment. */
  async function knowEachOther(): Promise<void> {
    await eventually(
      async () => {
        const lines = await alice.api.call("groups", {});
        return lines.some((line) => line.type === "group" && line.members.length === 2);
      },
      () => "alice to see both others in the group",
    );
  }

  it("is read by those who have the passphrase, daemon or not", async () => {
    const key = passphrase("correct horse battery staple");
    for (const user of [alice, carol]) {
      await start(user);
      const joined = await user.run(["join", "#ops", "--secret", "--detach", ...key]);
      expect(joined.stderr).toContain("only who has the key can read this group");
      expect(joined.code).toBe(0);
    }
    chat = bob.spawn("join", "#ops", "--secret", ...key);
    await chat.prints(/you joined #ops/);
    const heard = await listener(carol);
    await knowEachOther();
    await say(alice, "the door code is 4711");
    chat.type("bob has read it\n");
    await chat.prints(/alice(?: \(earlier\))?: the door code is 4711/);
    await heard.prints(/#ops alice: the door code is 4711/);
    await heard.prints(/#ops bob: bob has read it/);
    heard.kill("SIGINT");
    await heard.ended();
  });

  it("is not read with another passphrase, which is told", async () => {
    const wrong = dave.spawn("join", "#ops", "--secret", ...passphrase("wrong horse battery"));
    await wrong.prints(/you joined #ops/);
    await say(alice, "dave is not to read this");
    await wrong.prints(/udpchat: members of #ops use a key that this home does not have/);
    expect(wrong.stdout).not.toContain("not to read");
    wrong.endInput("");
    await wrong.ended();
    expect((await dave.run(["leave", "#ops"])).code).toBe(0);
  });

  it("can be joined by invitation, which waits until it is accepted", async () => {
    await start(dave);
    const notes = await listener(dave);
    const invited = await alice.run(["invite", "dave", "#ops", "--json"]);
    expect(invited.code).toBe(0);
    expect(v.parse(InvitedLineSchema, JSON.parse(invited.stdout))).toMatchObject({
      group: "#ops",
      to: { name: "dave", address: dave.host.address },
    });
    await notes.prints(/alice \(10\.77\.0\.1:22400\) invites you to #ops/);
    const pending = await dave.run(["groups", "--json"]);
    expect(v.parse(InvitationLineSchema, JSON.parse(pending.stdout))).toMatchObject({
      group: "#ops",
      from: { name: "alice" },
    });
    const joined = await dave.run(["join", "#ops", "--secret", "--detach"]);
    expect(joined.stderr).toContain("invited by alice (10.77.0.1:22400)");
    expect(joined.code).toBe(0);
    await chat.prints(/dave joined/);
    await say(alice, "welcome dave");
    await notes.prints(/#ops alice: welcome dave/);
    notes.kill("SIGINT");
    await notes.ended();
  });

  it("goes on without the one who is removed, who is told", async () => {
    expect((await carol.run(["stop"])).code).toBe(0);
    const notes = await listener(dave);
    const removed = await alice.run(["remove", "dave", "#ops", "--json"]);
    expect(removed.code).toBe(0);
    expect(v.parse(RemovedLineSchema, JSON.parse(removed.stdout))).toMatchObject({
      group: "#ops",
      peer: { name: "dave" },
      by: { name: "alice", address: "10.77.0.1" },
    });
    await chat.prints(/dave was removed by alice/);
    await notes.prints(/alice removed you from #ops/);
    await say(alice, "without dave");
    await chat.prints(/alice: without dave/);
    chat.type("he is gone\n");
    await eventually(
      async () => (await dave.run(["groups", "--json"])).stdout === "",
      () => "dave's membership to end",
    );
    const refused = await dave.run(["say", "#ops", "can you hear me?"]);
    expect(refused).toMatchObject({ code: 5, stdout: "" });
    await start(carol);
    expect(notes.stdout).not.toMatch(/without dave|he is gone/);
    notes.kill("SIGINT");
    await notes.ended();
  });

  it("gives the new key to who was away", async () => {
    const heard = await listener(carol);
    await knowEachOther();
    await eventually(
      async () => {
        await say(alice, "welcome back");
        return heard.stdout.includes("alice: welcome back");
      },
      () => `carol to read again:\n${heard.stdout}${heard.stderr}`,
    );
    expect(await carol.run(["say", "#ops", "I am back"])).toMatchObject({ code: 0 });
    await chat.prints(/carol: I am back/);
    heard.kill("SIGINT");
    await heard.ended();
  });

  it("outlasts restarts without a passphrase", async () => {
    for (const user of [alice, carol, dave]) {
      expect((await user.run(["stop"])).code).toBe(0);
      await start(user);
    }
    const notes = await listener(dave);
    const heard = await listener(carol);
    await knowEachOther();
    await say(alice, "after the restart");
    await heard.prints(/#ops alice: after the restart/);
    await chat.prints(/alice: after the restart/);
    expect(notes.stdout).not.toContain("after the restart");
    chat.endInput("");
    expect(await chat.ended()).toBe(0);
  });

  it("was never heard in the open group of its name", () => {
    expect(open.stdout.trimEnd().split("\n")).toEqual(["* you joined #ops (1 online)"]);
  });
});

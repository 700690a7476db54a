/** Secret groups in the service: who stays, who may speak, and what is forgotten. */
import { describe, expect, it } from "vitest";
import type { StandingGroups } from "../../../src/api/memberships.js";
import { Service } from "../../../src/api/service.js";
import { ALICE, FakeMessenger, fails, until } from "./fakeMessenger.js";

class Written implements StandingGroups {
  readonly secret = new Map<string, boolean>();

  async add(label: string, secret: boolean): Promise<void> {
    this.secret.set(label, secret);
  }

  async remove(label: string): Promise<void> {
    this.secret.delete(label);
  }
}

function opened(): { messenger: FakeMessenger; written: Written; service: Service } {
  const messenger = new FakeMessenger();
  const written = new Written();
  return { messenger, written, service: new Service(messenger, { standing: written }) };
}

describe("a standing secret group", () => {
  it("is written down as secret, and joined again by its kept key alone", async () => {
    const { messenger, written, service } = opened();
    const passphrase = "correct horse battery staple";
    const line = await service.call("join", { group: "#ops", secret: true, passphrase });
    expect(line).toMatchObject({ group: "#ops", standing: true, secret: true });
    expect(messenger.lastJoin).toEqual({ secret: true, passphrase });
    await service.call("join", { group: "#open" });
    expect([...written.secret]).toEqual([
      ["#ops", true],
      ["#open", false],
    ]);
    await service.restoreMembership("#ops", true);
    expect(messenger.lastJoin).toEqual({ secret: true, kept: true });
    const restarted = new Service(new FakeMessenger(), { standing: written });
    await fails(restarted.restoreMembership("#ops", true), { code: "NO_GROUP_KEY" });
  });

  it("is left with its key", async () => {
    const { messenger, written, service } = opened();
    await service.call("join", { group: "#ops", secret: true });
    expect(await service.call("leave", { group: "#OPS" })).toEqual({ type: "left", group: "#ops" });
    expect(messenger.keys.size + written.secret.size).toBe(0);
    expect(messenger.groupsMade[0]?.left).toBe(true);
  });

  it("is over, also for later starts, when somebody removes us", async () => {
    const { messenger, written, service } = opened();
    await service.call("join", { group: "#ops", secret: true });
    const chat = service.stream("chat", { group: "#ops" });
    await chat.next();
    const rest = chat.next();
    messenger.groupsMade[0]?.end();
    expect((await rest).done).toBe(true);
    await until(() => written.secret.size === 0);
    expect(await service.call("groups", {})).toEqual([]);
    const said = { group: "#ops", text: "still there?" };
    await fails(service.call("say", said), { code: "NOT_A_MEMBER" });
  });
});

describe("leave", () => {
  it("forgets a key without a membership, daemon or not", async () => {
    for (const options of [{}, { standing: new Written() }]) {
      const messenger = new FakeMessenger();
      messenger.keys.add("#ops");
      const service = new Service(messenger, options);
      expect(await service.call("leave", { group: "#Ops" })).toMatchObject({ group: "#ops" });
      expect(messenger.keys.size).toBe(0);
    }
  });

  it("ends what is written although it could not be joined again", async () => {
    const { messenger, written, service } = opened();
    await written.add("#ops", true);
    messenger.keys.add("#ops");
    await service.call("leave", { group: "#ops" });
    expect(written.secret.size).toBe(0);
  });

  it("has nothing to do without either", async () => {
    const { service } = opened();
    const alone = new Service(new FakeMessenger());
    const leave = { group: "#ops" };
    await expect(service.call("leave", leave)).rejects.toMatchObject({ code: "NOT_A_MEMBER" });
    await expect(alone.call("leave", leave)).rejects.toMatchObject({ code: "DAEMON_NOT_RUNNING" });
  });
});

describe("invite and remove", () => {
  it("join for the moment with a kept key, never with an invitation or an open group", async () => {
    const { messenger, service } = opened();
    const input = { target: "alice", group: "#ops" };
    await fails(service.call("invite", input), { code: "NO_GROUP_KEY" });
    messenger.keys.add("#ops");
    expect(await service.call("invite", input)).toEqual({
      type: "invited",
      group: "#ops",
      to: expect.objectContaining({ id: ALICE.id }),
    });
    expect(messenger.lastJoin).toEqual({ kept: true });
    expect(messenger.groupsMade[0]?.left).toBe(true);
  });

  it("remove needs a membership", async () => {
    const { service } = opened();
    const input = { target: "alice", group: "#ops" };
    await fails(service.call("remove", input), { code: "NOT_A_MEMBER" });
    await service.call("join", { group: "#ops", secret: true });
    expect(await service.call("remove", input)).toMatchObject({
      type: "removed",
      group: "#ops",
      peer: { name: "alice" },
      by: { name: "me" },
    });
  });
});

describe("what is told of secret groups", () => {
  it("has pending invitations behind the groups", async () => {
    const { messenger, service } = opened();
    messenger.pending = [{ group: "#ops", from: ALICE }];
    await service.call("join", { group: "#open" });
    expect(await service.call("groups", {})).toMatchObject([
      { type: "group", group: "#open", secret: false },
      { type: "invitation", group: "#ops", from: { name: "alice" } },
    ]);
  });

  it("includes warnings in a chat", async () => {
    const { messenger, service } = opened();
    const chat = service.stream("chat", { group: "#ops" });
    await chat.next();
    const [group] = messenger.groupsMade;
    const warning = { code: "GROUP_KEY_UNKNOWN", message: "m", peer: null, group: "#ops" } as const;
    group?.source.push({ type: "warning", warning });
    expect((await chat.next()).value).toEqual({ type: "warning", ...warning });
    await chat.return();
  });
});

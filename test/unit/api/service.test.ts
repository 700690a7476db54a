import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { OPERATIONS } from "../../../src/api/operations.js";
import { Service } from "../../../src/api/service.js";
import { UdpchatError } from "../../../src/errors.js";
import { UndeliveredError } from "../../../src/messenger/types.js";
import {
  ALICE,
  CODE,
  FakeMessenger,
  fails,
  messageEvent,
  requestOf,
  until,
} from "./fakeMessenger.js";

function memoryStanding(): {
  labels: Set<string>;
  add: (l: string) => Promise<void>;
  remove: (l: string) => Promise<void>;
} {
  const labels = new Set<string>();
  return {
    labels,
    add: async (label) => void labels.add(label),
    remove: async (label) => void labels.delete(label),
  };
}

describe("Service calls", () => {
  it("answers with lines of the promised shapes", async () => {
    const service = new Service(new FakeMessenger());
    for (const name of ["status", "id", "peers", "groups"] as const) {
      const line = await service.call(name, {});
      expect(v.parse(OPERATIONS[name].output, JSON.parse(JSON.stringify(line)))).toEqual(line);
    }
    expect(await service.call("status", {})).toMatchObject({
      interfaces: [{ broadcast: null }],
      startedAt: "1970-01-01T00:00:00.000Z",
    });
    expect(await service.call("examine", { target: "alice" })).toEqual({
      type: "examination",
      peer: ALICE,
      result: "examined",
      rttMs: 1.235,
      clockAheadMs: -2000,
      ways: [{ way: "unicast", sent: 3, heardThere: null, heardHere: 2 }],
    });
    expect(await service.call("ask", { target: "alice", text: "hi" })).toEqual({
      type: "reply",
      to: "r1",
      from: ALICE,
      text: "HI",
      rttMs: 2,
    });
  });

  it("hands target, text and timeout on", async () => {
    const messenger = new FakeMessenger();
    const line = await new Service(messenger).call("send", {
      target: "alice",
      text: "hi",
      timeoutMs: 7,
    });
    expect(line).toMatchObject({ type: "delivery", status: "delivered", to: ALICE });
    expect(messenger.lastSend).toEqual({ target: "alice", text: "hi", options: { timeoutMs: 7 } });
  });

  it("answers with a line when a message stays undelivered, but not for other failures", async () => {
    const messenger = new FakeMessenger();
    const service = new Service(messenger);
    const input = { target: "alice", text: "hi" };
    const outcome = { id: "m1", status: "undelivered", to: ALICE } as const;
    messenger.sendFailure = new UndeliveredError(
      { ...outcome, rttMs: null, attempts: null },
      "no acknowledgement",
      {},
    );
    const line = await service.call("send", input);
    expect(line).toEqual({ type: "delivery", ...outcome, rttMs: null, attempts: null });
    expect(v.parse(OPERATIONS.send.output, line)).toEqual(line);
    messenger.sendFailure = new UdpchatError("TIMEOUT", "the peer was never found");
    await expect(service.call("send", input)).rejects.toBe(messenger.sendFailure);
  });

  it("hands on whether a message may wait, for how long, and the id that was chosen", async () => {
    const messenger = new FakeMessenger();
    const service = new Service(messenger);
    const queueing = { queue: true, ttlMs: 5000, id: "backup-1" };
    const line = await service.call("send", { target: "alice", text: "hi", ...queueing });
    expect(messenger.lastSend?.options).toEqual(queueing);
    expect(v.parse(OPERATIONS.send.output, line)).toEqual(line);
    expect(line).toMatchObject({ status: "queued", rttMs: null, attempts: null });
  });

  it("refuses what only a daemon can do", async () => {
    const service = new Service(new FakeMessenger());
    const refused = { code: "DAEMON_NOT_RUNNING" };
    await expect(service.call("join", { group: "#ops" })).rejects.toMatchObject(refused);
    await expect(service.call("stop", {})).rejects.toMatchObject(refused);
  });

  it("closes the messenger, ends streams with CLOSED and takes no more calls", async () => {
    const messenger = new FakeMessenger();
    const service = new Service(messenger);
    const events = service.stream("events", {});
    await events.next();
    const next = events.next();
    const ended = fails(next, { code: "CLOSED" });
    await service.close();
    await ended;
    expect(messenger.closed).toBe(true);
    expect(messenger.source.listeners).toBe(0);
    await expect(service.call("peers", {})).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("Service events", () => {
  it("misses nothing after ready, and keeps null and false of plain messages", async () => {
    const messenger = new FakeMessenger();
    const events = new Service(messenger).stream("events", {});
    expect((await events.next()).value).toEqual({ type: "ready" });
    const plain = { ...ALICE, id: null };
    messenger.source.push({
      type: "message",
      message: {
        id: null,
        scope: "plain",
        from: plain,
        group: null,
        text: "x",
        sentAt: null,
        receivedAt: new Date(2000),
        verified: false,
        late: false,
      },
    });
    expect((await events.next()).value).toEqual({
      type: "message",
      id: null,
      scope: "plain",
      from: plain,
      group: null,
      text: "x",
      sentAt: null,
      receivedAt: "1970-01-01T00:00:02.000Z",
      verified: false,
      late: false,
    });
    await events.return();
    await until(() => messenger.source.listeners === 0);
  });

  it("say what became of messages, but not in a chat", async () => {
    const messenger = new FakeMessenger();
    const service = new Service(messenger);
    const events = service.stream("events", {});
    await events.next();
    const chat = service.stream("chat", { group: "#ops" });
    await chat.next();
    const progress = { id: "m1", to: ALICE, rttMs: null, attempts: null } as const;
    const event = { type: "delivery", progress: { ...progress, status: "read" } } as const;
    messenger.source.push(event);
    const line = (await events.next()).value;
    expect(line).toEqual({ type: "delivery", ...progress, status: "read" });
    expect(v.parse(OPERATIONS.events.output, line)).toEqual(line);
    const [group] = messenger.groupsMade;
    group?.source.push(event);
    group?.source.push(messageEvent("hello", "#ops"));
    expect((await chat.next()).value).toMatchObject({ type: "message", text: "hello" });
  });

  it("ends quietly when its signal aborts", async () => {
    const messenger = new FakeMessenger();
    const controller = new AbortController();
    const events = new Service(messenger).stream("events", {}, { signal: controller.signal });
    await events.next();
    const next = events.next();
    controller.abort();
    expect((await next).done).toBe(true);
    await until(() => messenger.source.listeners === 0);
  });
});

describe("Service groups", () => {
  it("shares one membership between chats; the last one out leaves", async () => {
    const messenger = new FakeMessenger();
    const service = new Service(messenger);
    const first = service.stream("chat", { group: "#ops" });
    const second = service.stream("chat", { group: "#ops" });
    expect((await first.next()).value).toMatchObject({ type: "group", group: "#ops" });
    await second.next();
    expect(messenger.groupsMade).toHaveLength(1);
    const [group] = messenger.groupsMade;
    group?.source.push(messageEvent("hello", "#ops"));
    expect((await first.next()).value).toMatchObject({ type: "message", text: "hello" });
    expect((await second.next()).value).toMatchObject({ type: "message", text: "hello" });
    await first.return();
    expect(group?.left).toBe(false);
    await second.return();
    expect(group?.left).toBe(true);
    expect(group?.source.listeners).toBe(0);
  });

  it("keeps a standing membership when a chat ends, and leaves on leave", async () => {
    const messenger = new FakeMessenger();
    const standing = memoryStanding();
    const service = new Service(messenger, { standing });
    expect(await service.call("join", { group: "224.0.1.100:22401" })).toMatchObject({
      group: "224.0.1.100",
      standing: true,
    });
    expect([...standing.labels]).toEqual(["224.0.1.100"]);
    const chat = service.stream("chat", { group: "224.0.1.100" });
    expect((await chat.next()).value).toMatchObject({ standing: true });
    await chat.return();
    expect(messenger.groupsMade[0]?.left).toBe(false);
    expect(await service.call("leave", { group: "224.0.1.100:22401" })).toEqual({
      type: "left",
      group: "224.0.1.100",
    });
    expect(messenger.groupsMade[0]?.left).toBe(true);
    expect(standing.labels.size).toBe(0);
    await expect(service.call("leave", { group: "224.0.1.100" })).rejects.toMatchObject({
      code: "NOT_A_MEMBER",
      remedy: "see udpchat groups",
    });
  });

  it("does not stay in a group that it could not write down", async () => {
    const messenger = new FakeMessenger();
    const standing = { ...memoryStanding(), add: () => Promise.reject(new Error("disk full")) };
    const service = new Service(messenger, { standing });
    await expect(service.call("join", { group: "#ops" })).rejects.toThrow("disk full");
    expect(messenger.groupsMade[0]?.left).toBe(true);
  });

  it("restores a membership", async () => {
    const service = new Service(new FakeMessenger(), { standing: memoryStanding() });
    await service.restoreMembership("#ops", false);
    expect(await service.call("groups", {})).toMatchObject([{ group: "#ops", standing: true }]);
  });

  it("passes on what the user decides about keys, and how careful a call is", async () => {
    const messenger = new FakeMessenger();
    const service = new Service(messenger);
    const target = { target: "alice" };
    expect(await service.call("verificationCode", target)).toMatchObject({
      type: "verification",
      peer: { name: "alice", trust: "known" },
      code: CODE,
    });
    for (const [operation, trust] of [
      ["verify", "verified"],
      ["block", "blocked"],
      ["unblock", "known"],
    ] as const) {
      const line = await service.call(operation, target);
      expect(line).toMatchObject({ type: "trust", trust, peer: { trust } });
    }
    await service.call("verify", { ...target, code: CODE });
    const decisions = ["verify alice ", "block alice", "unblock alice", `verify alice ${CODE}`];
    expect(messenger.decisions).toEqual(decisions);
    expect(await service.call("blocked", {})).toMatchObject([{ type: "trust", trust: "blocked" }]);
    await service.call("send", { ...target, text: "hi", requireVerified: true });
    expect(messenger.lastSend?.options).toEqual({ requireVerified: true });
    const requests = service.stream("requests", { requireVerified: true });
    await requests[Symbol.asyncIterator]().next();
    expect(messenger.handleOptions).toEqual({ requireVerified: true });
  });

  it("says to members only, unless temporary", async () => {
    const messenger = new FakeMessenger();
    const service = new Service(messenger, { standing: memoryStanding() });
    const said = { group: "#ops", text: "hi" };
    await expect(service.call("say", said)).rejects.toMatchObject({ code: "NOT_A_MEMBER" });
    expect(await service.call("say", { ...said, temporary: true })).toEqual({
      type: "sent",
      id: "said-1",
      group: "#ops",
    });
    expect(messenger.groupsMade[0]?.left).toBe(true);
    await service.call("join", { group: "#ops" });
    await service.call("say", { ...said, group: "#OPS" });
    await service.call("say", { ...said, temporary: true });
    expect(messenger.groupsMade[1]).toMatchObject({ said: ["hi", "hi"], left: false });
    // The address of a named group is another group.
    const byAddress = service.call("say", { group: "239.192.5.6:22401", text: "hi" });
    await expect(byAddress).rejects.toMatchObject({ code: "NOT_A_MEMBER" });
  });
});

describe("Service requests", () => {
  it("yields requests and hands answers back", async () => {
    const messenger = new FakeMessenger();
    const service = new Service(messenger);
    const requests = service.stream("requests", {});
    expect((await requests.next()).value).toEqual({ type: "ready" });
    const good = messenger.handler?.(requestOf("r1", "2+2"));
    const bad = Promise.resolve(messenger.handler?.(requestOf("r2", "1/0")));
    expect((await requests.next()).value).toMatchObject({ type: "request", id: "r1", text: "2+2" });
    expect((await requests.next()).value).toMatchObject({ type: "request", id: "r2" });
    await service.call("answer", { id: "r1", text: "4" });
    const failed = fails(bad, { code: "HANDLER_FAILED", message: "no" });
    await service.call("answer", { id: "r2", error: "no" });
    expect(await good).toBe("4");
    await failed;
    await expect(service.call("answer", { id: "r1", text: "5" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await requests.return();
    expect(messenger.handler).toBeUndefined();
  });

  it("fails what a stream leaves unanswered", async () => {
    const messenger = new FakeMessenger();
    const requests = new Service(messenger).stream("requests", {});
    await requests.next();
    const pending = Promise.resolve(messenger.handler?.(requestOf("r1", "x")));
    const failed = fails(pending, { code: "HANDLER_FAILED" });
    await requests.return();
    await expect(failed).resolves.toBeUndefined();
  });

  it("gives requests to the newest stream and ends the older one", async () => {
    const messenger = new FakeMessenger();
    const service = new Service(messenger);
    const older = service.stream("requests", {});
    await older.next();
    const ended = fails(older.next(), { code: "REFUSED" });
    const newer = service.stream("requests", {});
    await newer.next();
    await ended;
    const answer = messenger.handler?.(requestOf("r1", "x"));
    expect((await newer.next()).value).toMatchObject({ id: "r1" });
    await service.call("answer", { id: "r1", text: "y" });
    expect(await answer).toBe("y");
  });

  it("fails the oldest when too many wait", async () => {
    const messenger = new FakeMessenger();
    const requests = new Service(messenger).stream("requests", {});
    await requests.next();
    const oldest = Promise.resolve(messenger.handler?.(requestOf("r0", "x")));
    const failed = fails(oldest, { code: "HANDLER_FAILED" });
    for (let count = 1; count <= 4096; count += 1) {
      Promise.resolve(messenger.handler?.(requestOf(`r${count}`, "x"))).catch(() => undefined);
    }
    await failed;
    expect((await requests.next()).value).toMatchObject({ id: "r1" });
    await requests.return();
  });
});

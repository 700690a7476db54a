import { mkdtemp, rm, stat } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectApi, daemonAnswers } from "../../../src/api/client.js";
import { MAX_BODY_BYTES } from "../../../src/api/routes.js";
import { ApiServer } from "../../../src/api/server.js";
import { Service } from "../../../src/api/service.js";
import { UdpchatError } from "../../../src/errors.js";
import {
  ALICE,
  FakeMessenger,
  fails,
  historyMessage,
  messageEvent,
  requestOf,
  until,
} from "./fakeMessenger.js";

let folder: string;
let socketPath: string;
let messenger: FakeMessenger;
let service: Service;
let server: ApiServer;

async function serve(incarnation: string): Promise<void> {
  messenger = new FakeMessenger();
  service = new Service(messenger);
  server = await ApiServer.listen({ api: service, socketPath, incarnation });
  await until(() => messenger.source.listeners === 1);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "udpchat-api-"));
  socketPath = join(folder, "s");
  await serve("0000aaaa");
});

afterEach(async () => {
  await service.close();
  await server.close();
  await rm(folder, { recursive: true });
});

/** A raw request, as another program would make it. */
function raw(
  method: string,
  path: string,
  body = "",
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; body: unknown }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

it("an answer without an end is not taken in without an end", async () => {
  const path = join(folder, "endless");
  let taken = false;
  const endless = createServer((socket) => {
    const chunk = Buffer.alloc(1024 * 1024, " ");
    const write = (): void => {
      while (socket.write(chunk));
    };
    socket.on("error", () => undefined);
    socket.on("drain", write);
    socket.on("close", () => (taken = true));
    socket.write("HTTP/1.1 200 OK\r\n\r\n", write);
  });
  await new Promise<void>((resolve) => endless.listen(path, resolve));
  await expect(connectApi(path).call("outbox", {})).rejects.toMatchObject({
    message: "the daemon gave an answer that is not understood",
    cause: { name: "RangeError" },
  });
  await until(() => taken);
  endless.close();
});

describe("the socket", () => {
  it("is for this user only", async () => {
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  });

  it("is not shared with a second server, and gone after close", async () => {
    const second = ApiServer.listen({ api: service, socketPath, incarnation: "0000bbbb" });
    await expect(second).rejects.toMatchObject({ code: "DAEMON_RUNNING" });
    expect(await daemonAnswers(socketPath)).toBe(true);
    await server.close();
    expect(await daemonAnswers(socketPath)).toBe(false);
    await expect(connectApi(socketPath).call("id", {})).rejects.toMatchObject({
      code: "DAEMON_NOT_RUNNING",
    });
  });
});

describe("calls over the socket", () => {
  it("may have a body in chunks, or none", async () => {
    const chunked = { "transfer-encoding": "chunked" };
    const sent = await raw("POST", "/v1/send", '{"target":"x","text":"y"}', chunked);
    expect(sent).toMatchObject({ status: 200, body: { type: "delivery" } });
    expect(await raw("POST", "/v1/send", "", chunked)).toMatchObject({ status: 400 });
    const large = await raw("POST", "/v1/send", " ".repeat(MAX_BODY_BYTES + 1), chunked);
    expect(large).toMatchObject({ status: 413, body: { code: "MESSAGE_TOO_LARGE" } });
  });

  it("answer as the service does", async () => {
    const api = connectApi(socketPath);
    expect(await api.call("status", {})).toEqual(await service.call("status", {}));
    expect(await api.call("peers", {})).toEqual(await service.call("peers", {}));
    expect(await api.call("send", { target: "alice", text: "grüß 👋" })).toMatchObject({
      to: ALICE,
    });
    expect(messenger.lastSend?.text).toBe("grüß 👋");
  });

  it("fail with the same code, message and remedy", async () => {
    messenger.sendFailure = new UdpchatError("NO_SUCH_PEER", "nobody", { remedy: "look" });
    const failed = connectApi(socketPath).call("send", { target: "x", text: "y" });
    await expect(failed).rejects.toMatchObject({
      code: "NO_SUCH_PEER",
      message: "nobody",
      remedy: "look",
    });
    expect((await raw("POST", "/v1/send", '{"target":"x","text":"y"}')).status).toBe(404);
    messenger.sendFailure = new UdpchatError("TIMEOUT", "late");
    expect((await raw("POST", "/v1/send", '{"target":"x","text":"y"}')).status).toBe(504);
  });

  it("tell what is stored, and give up what is queued", async () => {
    messenger.stored = Array.from({ length: 250 }, (_, index) =>
      historyMessage({ id: String(index).padStart(32, "0"), text: `${index}`, state: "queued" }),
    );
    const api = connectApi(socketPath);
    expect(await api.call("history", {})).toEqual(await service.call("history", {}));
    expect(await api.call("outbox", {})).toHaveLength(250);
    const exported: string[] = [];
    for await (const { text } of api.stream("export", { peer: "alice" })) exported.push(text);
    expect(exported).toEqual(messenger.stored.map(({ text }) => text));
    expect(messenger.queries.at(-1)).toEqual({ peer: "alice" });
    const dropped = await raw("POST", "/v1/outbox/drop", `{"id":"${"0".repeat(31)}7"}`);
    expect(dropped).toMatchObject({ status: 200, body: { text: "7", state: "undelivered" } });
    expect(await raw("POST", "/v1/outbox/drop", '{"id":"ff"}')).toMatchObject({
      status: 400,
      body: { type: "error", code: "NO_SUCH_MESSAGE" },
    });
    expect(await raw("POST", "/v1/history", '{"since":"yesterday"}')).toMatchObject({
      status: 400,
      body: { code: "INVALID_ARGUMENT", message: expect.stringContaining("since: use a time") },
    });
    expect(await raw("POST", "/v1/read", '{"ids":["a"]}')).toMatchObject({ status: 200 });
    expect(messenger.read).toEqual(["a"]);
  });

  it("carry the longest text at its worst in JSON", async () => {
    const text = "\u0001".repeat(65_536);
    await connectApi(socketPath).call("send", { target: "alice", text });
    expect(messenger.lastSend?.text).toBe(text);
  });

  it("are given up on both sides when aborted", async () => {
    const controller = new AbortController();
    const call = connectApi(socketPath).call(
      "send",
      { target: "alice", text: "hang" },
      { signal: controller.signal },
    );
    const aborted = fails(call, { code: "ABORTED" });
    await until(() => messenger.lastSend !== undefined);
    controller.abort();
    await expect(aborted).resolves.toBeUndefined();
    await until(() => messenger.lastSend?.options?.signal?.aborted === true);
  });
});

describe("bad requests", () => {
  const cases: [string, string, string, number, string][] = [
    ["GET", "/v1/nothing", "", 404, "no operation"],
    ["GET", "/v1/send", "", 404, "no operation"],
    ["POST", "/v1/send", "{", 400, "not JSON"],
    ["POST", "/v1/send", "[]", 400, "target:"],
    ["POST", "/v1/send", "5", 400, "the body:"],
    ["POST", "/v1/send", '{"target":"x"}', 400, "text:"],
    ["POST", "/v1/send", '{"target":"x","text":5}', 400, "text:"],
    ["POST", "/v1/send", '{"target":"","text":"y"}', 400, "target:"],
    ["POST", "/v1/send", '{"target":"x","text":"y","timeoutMs":0}', 400, "timeoutMs:"],
    ["POST", "/v1/send", '{"target":"x","text":"y","extra":1}', 400, "extra: the daemon knows no"],
    ["POST", "/v1/send", '{"target":"x","text":"y","timeoutMs":0}', 400, "use at least 1 ms"],
    ["POST", "/v1/join", '{"group":""}', 400, "group: it is empty"],
    [
      "POST",
      "/v1/join",
      JSON.stringify({ group: `#${"x".repeat(256)}` }),
      400,
      "group: it has 257 characters: at most 256 fit",
    ],
    ["POST", "/v1/chat", '{"group":"nonsense"}', 400, "no group"],
    ["POST", "/v1/say", '{"group":"#g","text":"x"}', 400, "not a member"],
  ];
  it.each(cases)("%s %s %s", async (method, path, body, status, message) => {
    const answer = await raw(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({
      type: "error",
      code: expect.any(String),
      message: expect.stringContaining(message),
    });
    expect(answer.body).toHaveProperty("remedy");
  });

  it("with a body that is too large are refused, with a length and without", async () => {
    const body = JSON.stringify({ target: "x", text: "x".repeat(MAX_BODY_BYTES) });
    const sized = await raw("POST", "/v1/send", body);
    expect(sized).toMatchObject({ status: 413, body: { code: "MESSAGE_TOO_LARGE" } });
    const chunked = await raw("POST", "/v1/send", body, { "transfer-encoding": "chunked" });
    expect(chunked.status).toBe(413);
    expect(messenger.lastSend).toBeUndefined();
  });

  it("of web pages are refused", async () => {
    const answer = await raw("GET", "/v1/status", "", { origin: "http://example.org" });
    expect(answer).toMatchObject({ status: 400, body: { code: "INVALID_ARGUMENT" } });
  });
});

describe("streams over the socket", () => {
  it("end when the operation does", async () => {
    const found: unknown[] = [];
    for await (const peer of connectApi(socketPath).stream("discover", {})) found.push(peer);
    expect(found).toEqual(await service.call("peers", {}));
  });

  it("free what they hold when the client goes away", async () => {
    const api = connectApi(socketPath);
    for await (const line of api.stream("chat", { group: "#ops" })) {
      expect(line.type).toBe("group");
      expect(messenger.groupsMade[0]?.source.listeners).toBe(1);
      break;
    }
    await until(() => messenger.groupsMade[0]?.left === true);
    expect(messenger.groupsMade[0]?.source.listeners).toBe(0);
  });

  it("serve two clients at once", async () => {
    const streams = [0, 1].map(() =>
      connectApi(socketPath).stream("events", {})[Symbol.asyncIterator](),
    );
    for (const stream of streams) expect((await stream.next()).value).toEqual({ type: "ready" });
    messenger.source.push(messageEvent("to both"));
    for (const stream of streams) {
      expect((await stream.next()).value).toMatchObject({ text: "to both" });
      await stream.return?.();
    }
  });

  it("carry requests and their answers", async () => {
    const api = connectApi(socketPath);
    const requests = api.stream("requests", {})[Symbol.asyncIterator]();
    await requests.next();
    const answer = messenger.handler?.(requestOf("r1", "ping"));
    expect((await requests.next()).value).toMatchObject({ id: "r1", text: "ping" });
    await api.call("answer", { id: "r1", text: "pong" });
    expect(await answer).toBe("pong");
    await requests.return?.();
    await until(() => messenger.handler === undefined);
  });

  it("say CLOSED when the daemon stops", async () => {
    const events = connectApi(socketPath).stream("events", {})[Symbol.asyncIterator]();
    const chat = connectApi(socketPath).stream("chat", { group: "#g" })[Symbol.asyncIterator]();
    await events.next();
    await chat.next();
    const ends = [events, chat].map((stream) => fails(stream.next(), { code: "CLOSED" }));
    await service.close();
    await server.close();
    await expect(Promise.all(ends)).resolves.toHaveLength(2);
  });

  it("close with their client", async () => {
    const api = connectApi(socketPath);
    const chat = api.stream("chat", { group: "#g" })[Symbol.asyncIterator]();
    await chat.next();
    const ended = fails(chat.next(), { code: "CLOSED" });
    await api.close();
    await expect(ended).resolves.toBeUndefined();
    await until(() => messenger.groupsMade[0]?.left === true);
  });
});

describe("resuming events", () => {
  it("goes on behind the last event, and says so after a restart", async () => {
    const api = connectApi(socketPath, { resumeEvents: true, resumeDelayMs: 1 });
    const events = api.stream("events", {})[Symbol.asyncIterator]();
    await events.next();
    messenger.source.push(messageEvent("one"));
    expect((await events.next()).value).toMatchObject({ text: "one" });
    const next = events.next();
    await service.close();
    await server.close();
    await serve("0000bbbb");
    expect((await next).value).toMatchObject({ type: "resync", reason: "restarted" });
    expect((await events.next()).value).toEqual({ type: "ready" });
    messenger.source.push(messageEvent("two"));
    expect((await events.next()).value).toMatchObject({ text: "two" });
    await events.return?.();
  });

  it("takes Last-Event-ID", async () => {
    for (const text of ["one", "two", "three"]) messenger.source.push(messageEvent(text));
    const text = await new Promise<string>((resolve, reject) => {
      const headers = { "last-event-id": "0000aaaa-1" };
      const outgoing = request({ socketPath, path: "/v1/events", headers }, (response) => {
        let received = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          received += chunk;
          if (!received.includes("three")) return;
          expect(response.headers["content-type"]).toBe("text/event-stream");
          outgoing.destroy();
          resolve(received);
        });
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
    expect(text).toContain("id: 0000aaaa-2\n");
    expect(text).toContain("id: 0000aaaa-3\n");
    expect(text).not.toContain('"one"');
  });

  it("does not wait for a daemon that was never there", async () => {
    const api = connectApi(join(folder, "nobody"), { resumeEvents: true });
    const events = api.stream("events", {})[Symbol.asyncIterator]();
    await expect(events.next()).rejects.toMatchObject({ code: "DAEMON_NOT_RUNNING" });
  });
});

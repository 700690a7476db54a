/** A client and a daemon of different versions. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectApi } from "../../../src/api/client.js";
import type { EventLine } from "../../../src/api/lines.js";
import { ALICE } from "./fakeMessenger.js";

const RESTART = "restart it with udpchat stop, udpchat start";

let folder: string;
let socketPath: string;
let server: Server;
/** What the daemon answers. */
let answer: (path: string, response: ServerResponse) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "udpchat-versions-"));
  socketPath = join(folder, "s");
  server = createServer((request, response) => {
    request.resume();
    answer(request.url ?? "", response);
  });
  await new Promise<void>((resolve) => void server.listen(socketPath, resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

function json(status: number, value: object): (path: string, response: ServerResponse) => void {
  return (_path, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
}

/** Server-Sent Events: id, type and line of each. */
function stream(...lines: [string, { readonly type?: string }][]) {
  return (_path: string, response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const [id, line] of lines) {
      response.write(
        `id: ${id}\nevent: ${line.type ?? "message"}\ndata: ${JSON.stringify(line)}\n\n`,
      );
    }
    response.end();
  };
}

const message = {
  type: "message",
  id: "ab".repeat(16),
  scope: "direct",
  from: ALICE,
  group: null,
  text: "hello",
  sentAt: "2026-01-02T03:04:05.000Z",
  receivedAt: "2026-01-02T03:04:05.000Z",
  verified: true,
  late: false,
};

async function all<T>(lines: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const line of lines) seen.push(line);
  return seen;
}

async function eventsOf(api = connectApi(socketPath)): Promise<EventLine[]> {
  const lines: EventLine[] = [];
  try {
    for await (const line of api.stream("events", {})) lines.push(line);
  } catch (error) {
    expect(error).toMatchObject({ code: "CLOSED" });
  }
  return lines;
}

describe("an older client of a newer daemon", () => {
  it("passes over fields that it does not know", async () => {
    answer = json(200, { type: "id", id: "ab", name: "alice", fingerprint: "ab", mood: "fine" });
    const id = { type: "id", id: "ab", name: "alice", fingerprint: "ab" };
    expect(await connectApi(socketPath).call("id", {})).toEqual(id);
    const more = { ...message, mood: "fine", from: { ...ALICE, shoe: 43 } };
    answer = stream(["1", more]);
    expect(await eventsOf()).toEqual([message]);
  });

  it("passes over events of types that it does not know, and loses none of the others", async () => {
    const reaction = { type: "reaction", to: message.id, emoji: "+1" };
    answer = stream(["1", reaction], ["2", message], ["3", reaction], ["4", message]);
    expect(await eventsOf()).toEqual([message, message]);
  });

  it("resumes behind an event that it passed over", async () => {
    const seen: (string | undefined)[] = [];
    let count = 0;
    server.removeAllListeners("request");
    server.on("request", (request, response) => {
      const last = request.headers["last-event-id"];
      seen.push(typeof last === "string" ? last : undefined);
      count += 1;
      const lines = stream(["a-1", message], ["a-2", { type: "reaction" }]);
      lines("", response);
    });
    const api = connectApi(socketPath, { resumeEvents: true, resumeDelayMs: 1 });
    for await (const line of api.stream("events", {})) {
      expect(line).toEqual(message);
      if (count > 1) break;
    }
    expect(seen).toEqual([undefined, "a-2"]);
  });

  it("says so when a line of a known type is not understood, or has no type", async () => {
    const lines: { type?: string; text: unknown }[] = [
      { ...message, text: 5 },
      { text: "no type" },
    ];
    for (const line of lines) {
      answer = stream(["1", line]);
      const events = connectApi(socketPath).stream("events", {});
      await expect(all(events)).rejects.toMatchObject({
        code: "INTERNAL",
        remedy: expect.stringContaining("restart it"),
      });
    }
  });

  it("has the sentence of an error whose code it does not know", async () => {
    const error = { type: "error", code: "FULL_MOON", message: "not tonight", remedy: "wait" };
    answer = json(500, error);
    const call = connectApi(socketPath).call("id", {});
    await expect(call).rejects.toMatchObject({
      code: "INTERNAL",
      message: "not tonight",
      remedy: "wait",
    });
  });
});

describe("a newer client of an older daemon", () => {
  it("is told to restart it for an operation that it does not have", async () => {
    const none = {
      type: "error",
      code: "INVALID_ARGUMENT",
      message: "no operation POST /v1/x",
      remedy: "see the list of operations",
    };
    answer = json(404, none);
    const api = connectApi(socketPath);
    const refused = {
      code: "INVALID_ARGUMENT",
      message: "the daemon that is running cannot do that",
      remedy: expect.stringContaining(RESTART),
    };
    await expect(api.call("id", {})).rejects.toMatchObject(refused);
    await expect(all(api.stream("export", {}))).rejects.toMatchObject(refused);
  });

  it("keeps what is not found apart from what is not offered", async () => {
    const nobody = { type: "error", code: "NO_SUCH_PEER", message: "nobody", remedy: null };
    answer = json(404, nobody);
    const send = connectApi(socketPath).call("send", { target: "x", text: "y" });
    await expect(send).rejects.toMatchObject({ code: "NO_SUCH_PEER", message: "nobody" });
  });

  it("does without what a status did not have yet", async () => {
    const status = {
      type: "status",
      pid: 1,
      id: "ab",
      name: "alice",
      port: 1,
      portTaken: false,
      discoveryPort: 2,
      interfaces: [],
      peers: 0,
      groups: [],
      startedAt: "2026-01-02T03:04:05.000Z",
      receiveBufferBytes: 1,
      limits: {},
      usage: {},
      counters: {},
    };
    answer = json(200, status);
    expect(await connectApi(socketPath).call("status", {})).toEqual({
      ...status,
      newerVersions: [],
    });
  });
});

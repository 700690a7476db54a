/** What programs of this user that have gone astray, web pages and other users can do to the API. */
import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectApi, daemonAnswers } from "../../../src/api/client.js";
import { type ApiLimits, ApiServer } from "../../../src/api/server.js";
import { Service } from "../../../src/api/service.js";
import { UdpchatError } from "../../../src/errors.js";
import { makePrivateFolder } from "../../../src/store/privateFolder.js";
import { FakeMessenger, messageEvent, until } from "./fakeMessenger.js";

let home: string;
let folder: string;
let socketPath: string;
let messenger: FakeMessenger;
let service: Service;
let server: ApiServer;
let sockets: Socket[];
let internalErrors: UdpchatError[];

/** Small bounds; only what a test names is short. */
const LIMITS: Partial<ApiLimits> = { checkIntervalMs: 20, connections: 8, streams: 2 };

async function serve(limits: Partial<ApiLimits> = {}): Promise<void> {
  messenger = new FakeMessenger();
  service = new Service(messenger);
  internalErrors = [];
  const internalError = (error: UdpchatError): void => void internalErrors.push(error);
  const options = { api: service, socketPath, incarnation: "0000aaaa", internalError };
  server = await ApiServer.listen({ ...options, limits: { ...LIMITS, ...limits } });
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "udpchat-bounds-"));
  folder = join(home, "run");
  await makePrivateFolder(folder);
  socketPath = join(folder, "udpchat.sock");
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await service.close();
  await server.close();
  await rm(home, { recursive: true });
});

interface Raw {
  readonly socket: Socket;
  readonly received: () => string;
  readonly closed: Promise<void>;
}

/** A connection by hand, on which `bytes` were written. */
function open(bytes = ""): Raw {
  let received = "";
  const socket = connect(socketPath);
  sockets.push(socket);
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => (received += chunk));
  socket.on("error", () => undefined);
  if (bytes !== "") socket.write(bytes);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return { socket, received: () => received, closed };
}

async function placeIsGivenBack(): Promise<boolean> {
  const api = connectApi(socketPath);
  for (let turn = 0; turn < 200; turn += 1) {
    const stream = api.stream("events", {})[Symbol.asyncIterator]();
    const first = await stream.next().catch((error: unknown) => error);
    await stream.return?.();
    if (!(first instanceof UdpchatError)) return true;
  }
  return false;
}

const GET_STATUS = "GET /v1/status HTTP/1.1\r\nhost: udpchat\r\n";

describe("a client gone astray", () => {
  it("can't hold more connections than there are", async () => {
    await serve();
    const held = Array.from({ length: 8 }, () => open(GET_STATUS));
    const statuses = held.map(({ socket }) => new Promise((done) => socket.once("connect", done)));
    await Promise.all(statuses);
    const refused = open(GET_STATUS);
    await refused.closed;
    // At once, and not by a timeout, which would say so.
    expect(refused.received()).toBe("");
    held[0]?.socket.destroy();
    await held[0]?.closed;
    const status = open(`${GET_STATUS}connection: close\r\n\r\n`);
    await status.closed;
    expect(status.received()).toMatch(/^HTTP\/1.1 200 /);
  });

  it("can't take all connections for streams, and gives its place back", async () => {
    await serve();
    const api = connectApi(socketPath);
    const streams = [0, 1].map(() => api.stream("events", {})[Symbol.asyncIterator]());
    for (const stream of streams) expect((await stream.next()).value).toEqual({ type: "ready" });
    const third = api.stream("events", {})[Symbol.asyncIterator]();
    await expect(third.next()).rejects.toMatchObject({ code: "LIMIT_REACHED" });
    expect(await api.call("id", {})).toMatchObject({ type: "id" });
    await streams[0]?.return?.();
    expect(await placeIsGivenBack()).toBe(true);
  });

  it("gives its place back though its answer waited behind another one", async () => {
    await serve();
    messenger.ask = () => new Promise(() => undefined);
    const ask = JSON.stringify({ target: "bob", text: "x" });
    for (let times = 0; times < 3; times += 1) {
      const pipelined = open(
        `POST /v1/ask HTTP/1.1\r\nhost: udpchat\r\ncontent-length: ${ask.length}\r\n\r\n${ask}` +
          "GET /v1/events HTTP/1.1\r\nhost: udpchat\r\n\r\n",
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      pipelined.socket.destroy();
      await pipelined.closed;
    }
    expect(await placeIsGivenBack()).toBe(true);
  });

  it("gets no place by a stream that fails", async () => {
    await serve();
    const api = connectApi(socketPath);
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const failing = api.stream("chat", { group: "nonsense" })[Symbol.asyncIterator]();
      await expect(failing.next()).rejects.toMatchObject({ code: "INVALID_GROUP" });
    }
  });

  it.each([
    ["headers that never end", { headersTimeoutMs: 60 }, GET_STATUS],
    [
      "a body that never ends",
      { requestTimeoutMs: 60 },
      "POST /v1/join HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
    ],
  ])("is cut off with %s", async (_what, limits, bytes) => {
    // Node wants the whole request to take at least as long as its headers.
    await serve({ headersTimeoutMs: 60, ...limits });
    const slow = open(bytes);
    await slow.closed;
    expect(slow.received()).toMatch(/^HTTP\/1.1 408 /);
  });

  it.each(["content-length: 9\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n9\r\n{"])(
    "is no bug of ours when it leaves in the middle of a body: %j",
    async (body) => {
      await serve();
      const leaving = open(`POST /v1/join HTTP/1.1\r\nhost: x\r\n${body}`);
      const api = connectApi(socketPath);
      expect(await api.call("id", {})).toMatchObject({ type: "id" });
      leaving.socket.destroy();
      await leaving.closed;
      for (let call = 0; call < 5; call += 1) await api.call("id", {});
      expect(internalErrors).toEqual([]);
    },
  );

  it("is refused with headers that are too large", async () => {
    await serve({ headerBytes: 1024 });
    const large = open(`${GET_STATUS}x: ${"y".repeat(1024)}\r\n\r\n`);
    await large.closed;
    expect(large.received()).toMatch(/^HTTP\/1.1 431 /);
  });
});

describe("a web page that reaches a forwarded socket", () => {
  const statusWith = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const outgoing = request({ socketPath, path: "/v1/status", headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      outgoing.on("error", reject);
      outgoing.end();
    });

  it.each([
    { origin: "null" },
    { origin: "http://localhost" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-origin" },
    { host: "rebound.example.org" },
    { host: "rebound.example.org:8080" },
    { host: "127.0.0.1.example.org" },
  ])("is refused: %j", async (headers) => {
    await serve();
    expect(await statusWith({ host: "udpchat", ...headers })).toBe(400);
  });

  it.each(["udpchat", "localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:80", "d"])(
    "is told from a program that says Host: %s",
    async (host) => {
      await serve();
      expect(await statusWith({ host })).toBe(200);
    },
  );
});

describe("what is shown on a terminal by curl", () => {
  it("has no raw control, and is the same value", async () => {
    await serve();
    const hostile = "x\u009b31m\u007f\u202e\u2028\u{E0041}\ud800y";
    const events = open("GET /v1/events HTTP/1.1\r\nhost: udpchat\r\n\r\n");
    await until(() => events.received().includes("event: ready"));
    messenger.source.push(messageEvent(hostile));
    await until(() => events.received().includes("event: message"));
    const text = Buffer.from(events.received(), "latin1").toString("utf8");
    const [, json = ""] = /data: (\{"type":"message".*\})/.exec(text) ?? [];
    expect(text).not.toMatch(/[\u007f-\u009f\u202e\u2028\u{E0041}\ufffd]/u);
    expect(JSON.parse(json)).toMatchObject({ text: hostile });
  });
});

const OTHER_USER = 65_534;
const asRoot = process.getuid?.() === 0;

/** As another user: `connected`, or the code of the error. */
function connectAsOther(path: string): string {
  const script = `
    const socket = require("node:net").connect(process.argv[1]);
    socket.on("connect", () => { console.log("connected"); socket.destroy(); });
    socket.on("error", ({ code }) => console.log(code));`;
  const { stdout } = spawnSync(process.execPath, ["-e", script, path], {
    uid: OTHER_USER,
    gid: OTHER_USER,
    cwd: "/",
    env: {},
    encoding: "utf8",
  });
  return stdout.trim();
}

describe.skipIf(!asRoot)("another user of this machine (root is needed to become one)", () => {
  beforeEach(async () => {
    await serve();
    // The home itself keeps nobody out here.
    await chmod(home, 0o755);
  });

  it("is kept out by the folder of the socket, and the owner is not", async () => {
    await chmod(socketPath, 0o777);
    expect(connectAsOther(socketPath)).toBe("EACCES");
    expect(await daemonAnswers(socketPath)).toBe(true);
  });

  it.skipIf(process.platform !== "linux")("is kept out by the socket itself", async () => {
    await chmod(folder, 0o755);
    expect(connectAsOther(socketPath)).toBe("EACCES");
    await chmod(socketPath, 0o777);
    expect(connectAsOther(socketPath)).toBe("connected");
  });

  it("can't pose as the daemon with a socket of its own", async () => {
    const trap = join(home, "trap");
    await mkdir(trap, { mode: 0o755 });
    const theirs = createServer((connection) => connection.destroy());
    const path = join(trap, "udpchat.sock");
    await new Promise<void>((resolve) => theirs.listen(path, resolve));
    await chown(trap, OTHER_USER, OTHER_USER);
    const refused = { code: "HOME_UNUSABLE" };
    await expect(daemonAnswers(path)).rejects.toMatchObject(refused);
    await expect(connectApi(path).call("id", {})).rejects.toMatchObject(refused);
    await chown(trap, 0, 0);
    expect(await daemonAnswers(path)).toBe(true);
    await chown(path, OTHER_USER, OTHER_USER);
    await expect(daemonAnswers(path)).rejects.toMatchObject(refused);
    await chown(path, 0, 0);
    await chmod(trap, 0o777);
    await expect(daemonAnswers(path)).rejects.toMatchObject(refused);
    theirs.close();
  });
});

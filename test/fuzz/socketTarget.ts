/** The local API on its socket: bytes that are hardly HTTP, and clients that stall. */
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { connectApi } from "../../src/api/client.js";
import { ApiServer } from "../../src/api/server.js";
import type { UdpchatError } from "../../src/errors.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { drawRequest } from "./apiRequests.js";
import { ApiWorld } from "./apiWorld.js";
import { fromHexDigits, hostileText, toHexDigits } from "./hostileDraws.js";
import { below, chance, mutate, pick } from "./mutate.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

export const socketTarget: FuzzTarget = {
  name: "socket",
  weight: 0.15,
  lifetimeInputs: 200,
  open: (random) => SocketSubject.open(random),
};

/** Connections that are left open, in the middle of a request: the server ends them in time. */
const MOST_STALLED = 8;
const LIMITS = {
  connections: 24,
  streams: 8,
  headersTimeoutMs: 2000,
  requestTimeoutMs: 2000,
  checkIntervalMs: 200,
};
/** What has come by then is judged; some answers wait for somebody on the network. */
const PATIENCE_TURNS = 30;
const STEP_MS = 200;

class SocketSubject implements FuzzSubject {
  readonly #world: ApiWorld;
  readonly #path: string;
  readonly #server: ApiServer;
  readonly #internalErrors: UdpchatError[];
  /** The oldest first; at most MOST_STALLED. */
  readonly #stalled: Socket[] = [];

  static async open(random: SeededRandom): Promise<SocketSubject> {
    const world = await ApiWorld.open(random);
    const path = join(world.folder, "s");
    const errors: UdpchatError[] = [];
    const server = await ApiServer.listen({
      api: world.service,
      socketPath: path,
      incarnation: "0000aaaa",
      internalError: (error) => void errors.push(error),
      limits: LIMITS,
    });
    return new SocketSubject(world, path, server, errors);
  }

  private constructor(
    world: ApiWorld,
    path: string,
    server: ApiServer,
    internalErrors: UdpchatError[],
  ) {
    this.#world = world;
    this.#path = path;
    this.#server = server;
    this.#internalErrors = internalErrors;
  }

  draw(random: SeededRandom): FuzzInput {
    const requests = Array.from({ length: chance(random, 0.8) ? 1 : 2 + below(random, 4) }, () =>
      requestBytes(random),
    );
    const bytes = Buffer.concat(requests);
    return {
      kind: chance(random, 0.05) ? "stall" : "bytes",
      hex: toHexDigits(chance(random, 0.5) ? mutate(random, bytes) : bytes),
      with: { cut: below(random, bytes.length + 1), halfClose: chance(random, 0.5) },
    };
  }

  async feed(input: FuzzInput): Promise<FuzzVerdict> {
    const bytes = fromHexDigits(input.hex);
    const cut = Number(input.with?.["cut"] ?? 0);
    const socket = connect({ path: this.#path, allowHalfOpen: true });
    const seen = { text: "", isClosed: false };
    socket.setEncoding("latin1").on("data", (text: string) => (seen.text += text));
    socket.on("error", () => undefined);
    const closed = new Promise<void>((resolve) => {
      socket.once("close", () => {
        seen.isClosed = true;
        resolve();
      });
    });
    socket.on("end", () => socket.end());
    socket.write(bytes.subarray(0, cut));
    await this.#world.settles(closed, STEP_MS);
    if (input.kind === "stall") {
      this.#stalled.push(socket);
      if (this.#stalled.length > MOST_STALLED) this.#stalled.shift()?.destroy();
      return "refused";
    }
    socket.write(bytes.subarray(cut));
    if (input.with?.["halfClose"] === true) socket.end();
    for (let turn = 0; turn < PATIENCE_TURNS && seen.text === "" && !seen.isClosed; turn += 1) {
      await this.#world.settles(closed, STEP_MS);
    }
    socket.destroy();
    await this.#world.mustSettle(closed, "closing a connection");
    return this.#judge(seen.text);
  }

  #judge(received: string): FuzzVerdict {
    const [error] = this.#internalErrors.splice(0);
    if (error !== undefined) throw new Error(`internal: ${error.message}`, { cause: error });
    // The end of an answer has no line end of its own. In JSON no quote stands alone.
    if (/(?:^|[\]}\n])HTTP\/1\.1 500 /.test(received) || received.includes('"code":"INTERNAL"')) {
      throw new Error(`an internal error: ${received.slice(0, 2000)}`);
    }
    if (received !== "" && !received.startsWith("HTTP/1.1 ")) {
      throw new Error(`that is no HTTP: ${received.slice(0, 2000)}`);
    }
    return received.startsWith("HTTP/1.1 200 ") ? "accepted" : "refused";
  }

  /** Others are served meanwhile. */
  async check(): Promise<void> {
    const api = connectApi(this.#path);
    await this.#world.mustSettle(api.call("status", {}), "status");
  }

  async close(): Promise<void> {
    for (const socket of this.#stalled) socket.destroy();
    await this.#world.mustSettle(this.#server.close(), "closing the server");
    await this.#world.close();
  }
}

const FIRST_LINES = [
  "GET /v1/status HTTP/1.1",
  "GET /v1/status HTTP/1.0",
  "GET /v1/status HTTP/9.9",
  "GET http://example.org/v1/status HTTP/1.1",
  "CONNECT example.org:80 HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "PRI * HTTP/2.0",
  "TRACE /v1/status HTTP/1.1",
  "GET  HTTP/1.1",
  "\u0016\u0003\u0001",
];
const ODD_LINES = [
  "content-length: 5\r\ncontent-length: 6",
  "transfer-encoding: chunked\r\ncontent-length: 5",
  "transfer-encoding: chunked, identity",
  "host: a\r\nhost: b",
  "host: \u0001",
  " folded: x",
  "x : y",
  ": empty",
  "x\ty: z",
  "upgrade: websocket\r\nconnection: upgrade",
  "expect: 100-continue",
  "expect: something",
  `x: ${"y".repeat(9000)}`,
  Array.from({ length: 500 }, (_, index) => `h${index}: v`).join("\r\n"),
];

function requestBytes(random: SeededRandom): Uint8Array {
  const { method, path, headers, body } = drawRequest(random);
  const isOdd = chance(random, 0.2);
  const first = isOdd ? pick(random, FIRST_LINES) : `${method} ${path} HTTP/1.1`;
  const chunked = chance(random, 0.2);
  const lines = [
    ...(chance(random, 0.95) ? ["host: udpchat"] : []),
    ...headers,
    ...(chunked ? ["transfer-encoding: chunked"] : [`content-length: ${body.length}`]),
    ...(chance(random, 0.2) ? [pick(random, ODD_LINES)] : []),
    ...(chance(random, 0.05) ? [hostileText(random)] : []),
  ];
  const size = chance(random, 0.9)
    ? body.length.toString(16)
    : pick(random, ["-1", "FFFFFFFFFFFFFFFF", "0;x=y", "zz"]);
  return Buffer.concat([
    Buffer.from(`${[first, ...lines].join("\r\n")}\r\n\r\n${chunked ? `${size}\r\n` : ""}`),
    body,
    Buffer.from(chunked ? "\r\n0\r\n\r\n" : ""),
  ]);
}

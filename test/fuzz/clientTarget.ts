/** What whoever sits behind the daemon's socket answers to our client. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { connectApi } from "../../src/api/client.js";
import { EventLineSchema, StatusLineSchema } from "../../src/api/lines.js";
import { isErrorCode, UdpchatError } from "../../src/errors.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { damagedJson, fromHexDigits, hostileText, toHexDigits, writeJson } from "./hostileDraws.js";
import { below, chance, mutate, pick } from "./mutate.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

export const clientTarget: FuzzTarget = {
  name: "client",
  weight: 0.3,
  lifetimeInputs: 500,
  open: () => ClientSubject.open(),
};

/** Then the caller gives up; the machine's clock, for the sockets are real. */
const PATIENCE_MS = 50;
const HANG_MS = 8000;
/** What is sent without an end. Well beyond the largest answer of ours. */
const MOST_SENT_BYTES = 100 * 1024 * 1024;
const FLOOD_CHUNK_BYTES = 1024 * 1024;
/** Comments say nothing and are no error, and events are taken one by one. */
const FLOODS = ["x", "data:\n", "data: x\n", "event: y\n", "id: z", "\r"];
const ERROR = { type: "error", code: "REFUSED", message: "no", remedy: null };
const STATUS = {
  ...{
    type: "status",
    pid: 1,
    id: "ab".repeat(32),
    name: "alice",
    port: 1,
    portTaken: false,
    discoveryPort: 2,
  },
  ...{
    interfaces: [],
    peers: 0,
    groups: [],
    startedAt: "2026-01-02T03:04:05.000Z",
    receiveBufferBytes: 1,
  },
  ...{ limits: { peers: 1 }, usage: {}, counters: {} },
};
const WARNING = { type: "warning", code: "X", message: "y", peer: null, group: null };

class ClientSubject implements FuzzSubject {
  readonly #folder: string;
  readonly #server: Server;
  #answer: (socket: Socket) => void = () => undefined;

  static async open(): Promise<ClientSubject> {
    const folder = mkdtempSync(join(tmpdir(), "udpchat-fuzz-client-"));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
    return new ClientSubject(folder, server);
  }

  private constructor(folder: string, server: Server) {
    this.#folder = folder;
    this.#server = server;
    server.on("connection", (socket) => {
      socket.on("error", () => undefined);
      this.#answer(socket);
    });
  }

  draw(random: SeededRandom): FuzzInput {
    const how = {
      stream: chance(random, 0.5),
      ends: pick(random, ["end", "end", "destroy", "never"]),
    };
    if (chance(random, 0.002)) return { kind: "flood", texts: [pick(random, FLOODS)], with: how };
    const bytes = how.stream ? streamBytes(random) : answerBytes(random);
    return {
      kind: "answer",
      hex: toHexDigits(chance(random, 0.3) ? mutate(random, bytes) : bytes),
      with: how,
    };
  }

  async feed(input: FuzzInput): Promise<FuzzVerdict> {
    const isFlood = input.kind === "flood";
    let sentBytes = 0;
    this.#answer = (socket) => {
      socket.once("data", () => {
        if (!isFlood) {
          socket.write(fromHexDigits(input.hex));
          if (input.with?.["ends"] === "end") socket.end();
          if (input.with?.["ends"] === "destroy") socket.destroy();
          return;
        }
        const chunk = Buffer.alloc(FLOOD_CHUNK_BYTES, input.texts?.[0] ?? "x");
        const go = (): void => {
          while (!socket.destroyed && sentBytes <= MOST_SENT_BYTES) {
            sentBytes += chunk.length;
            if (!socket.write(chunk)) return;
          }
        };
        socket.on("drain", go);
        socket.write("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", go);
      });
    };
    const isStream = input.with?.["stream"] === true;
    const verdict = await this.#ask(isStream, isFlood ? HANG_MS : PATIENCE_MS);
    if (sentBytes > MOST_SENT_BYTES) throw new Error(`${sentBytes} bytes were taken`);
    return verdict;
  }

  async #ask(isStream: boolean, patienceMs: number): Promise<FuzzVerdict> {
    const api = connectApi(join(this.#folder, "s"));
    const { signal, abort, within } = patience(patienceMs);
    try {
      return await within(
        (async () => {
          if (!isStream) {
            v.parse(StatusLineSchema, await api.call("status", {}, { signal }));
            return "accepted";
          }
          let lines = 0;
          for await (const line of api.stream("events", {}, { signal })) {
            v.parse(EventLineSchema, line);
            lines += 1;
          }
          return lines > 0 ? "accepted" : "refused";
        })(),
      );
    } catch (error) {
      if (!(error instanceof UdpchatError) || !isErrorCode(error.code)) throw error;
      return "refused";
    } finally {
      abort();
      await api.close();
    }
  }

  check(): void {}

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The caller gives up after so long, and must be given back what it waits for soon after. */
function patience(patienceMs: number): {
  readonly signal: AbortSignal;
  readonly abort: () => void;
  readonly within: <T>(promise: Promise<T>) => Promise<T>;
} {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  return {
    signal: controller.signal,
    abort,
    async within(promise) {
      const giveUp = setTimeout(abort, patienceMs);
      let hang: NodeJS.Timeout | undefined;
      const hung = new Promise<never>((_, reject) => {
        hang = setTimeout(() => reject(new Error("it hangs")), HANG_MS + patienceMs);
      });
      try {
        return await Promise.race([promise, hung]);
      } finally {
        clearTimeout(giveUp);
        clearTimeout(hang);
      }
    },
  };
}

function head(random: SeededRandom, type: string, sizeBytes: number | undefined): string {
  const status = chance(random, 0.7)
    ? "200 OK"
    : pick(random, ["400 X", "500 X", "204 X", "101 X", "302 X", "999", "0"]);
  const size = sizeBytes === undefined ? [] : [`content-length: ${sizeBytes}`];
  const odd = chance(random, 0.1)
    ? [
        pick(random, [
          "content-length: 99",
          "transfer-encoding: chunked",
          "location: /x",
          "x: \u0001",
          `x: ${"y".repeat(20_000)}`,
        ]),
      ]
    : [];
  return `${["HTTP/1.1 " + status, `content-type: ${type}`, ...size, ...odd].join("\r\n")}\r\n\r\n`;
}

function answerBytes(random: SeededRandom): Uint8Array {
  const body = Buffer.from(damagedJson(random, chance(random, 0.7) ? STATUS : ERROR));
  const size = chance(random, 0.8) ? body.length : undefined;
  return Buffer.concat([Buffer.from(head(random, "application/json", size)), body]);
}

function streamBytes(random: SeededRandom): Uint8Array {
  const events = Array.from({ length: 1 + below(random, 4) }, (_, index) => {
    const isError = chance(random, 0.1);
    const data = Buffer.from(
      damagedJson(random, isError ? ERROR : index === 0 ? { type: "ready" } : WARNING, 0.05),
    );
    const id = chance(random, 0.5) ? `id: ${hostileText(random)}\n` : "";
    const lines = chance(random, 0.95)
      ? data.toString().replaceAll("\n", " ")
      : writeJson(hostileText(random));
    return `${id}event: ${isError ? "error" : "x"}\ndata: ${lines}\n\n`;
  });
  return Buffer.from(head(random, "text/event-stream", undefined) + events.join(""));
}

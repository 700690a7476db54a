/** The local API in this process: every operation, without sockets. */
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
} from "node:http";
import * as v from "valibot";
import { EventLog } from "../../src/api/eventLog.js";
import { ErrorLineSchema } from "../../src/api/lines.js";
import { OPERATIONS, type OperationDefinition } from "../../src/api/operations.js";
import { buildRoutes, MAX_BODY_BYTES, Places } from "../../src/api/routes.js";
import { SseParser } from "../../src/api/sse.js";
import { isErrorCode, type UdpchatError } from "../../src/errors.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { drawRequest } from "./apiRequests.js";
import { ApiWorld } from "./apiWorld.js";
import { assertHarmless } from "./harmless.js";
import { fromHexDigits, toHexDigits } from "./hostileDraws.js";
import { connectionInMemory } from "./memoryConnection.js";
import { chance, pick } from "./mutate.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

export const apiTarget: FuzzTarget = {
  name: "api",
  weight: 1,
  lifetimeInputs: 400,
  open: (random) => ApiSubject.open(random),
};

/** Longer than this nobody waits for an answer, or for the next line of a stream: the client goes. */
const ANSWER_MS = 3000;
const STREAM_MS = 500;
const MOST_STREAMS = 8;
const MOST_LINES = 50;
const NEWLINE = 0x0a;

class ApiSubject implements FuzzSubject {
  readonly #world: ApiWorld;
  /** Listens nowhere: it is handed its connections. */
  readonly #server: Server;
  /** Of the latest request: whether it is done with. */
  #answering: Promise<void> = Promise.resolve();
  readonly #internalErrors: UdpchatError[];
  readonly #stopLogging = new AbortController();

  static async open(random: SeededRandom): Promise<ApiSubject> {
    return new ApiSubject(await ApiWorld.open(random));
  }

  private constructor(world: ApiWorld) {
    this.#world = world;
    const log = new EventLog("0000aaaa", { maxLines: 20 });
    const errors: UdpchatError[] = [];
    this.#internalErrors = errors;
    const answer = buildRoutes({
      api: world.service,
      log,
      streams: new Places(MOST_STREAMS),
      internalError: (error) => void errors.push(error),
    });
    this.#server = createServer((incoming, response) => {
      this.#answering = answer(incoming, response);
    });
    void this.#keepLog(log);
  }

  async #keepLog(log: EventLog): Promise<void> {
    const signal = this.#stopLogging.signal;
    for await (const line of this.#world.service.stream("events", {}, { signal })) {
      if (line.type !== "ready") log.append(line);
    }
  }

  draw(random: SeededRandom): FuzzInput {
    const { method, path, headers, body } = drawRequest(random);
    const what = { method, path, leaveEarly: chance(random, 0.03) };
    if (chance(random, 0.005)) {
      const extraBytes = pick(random, [-1, 0, 1, 1000, MAX_BODY_BYTES]);
      const filling = pick(random, ["\u0000", '"', "[", " ", "é"]);
      return { kind: "large", texts: headers, with: { ...what, extraBytes, filling } };
    }
    // The socket has more ways to send a body with GET.
    return { kind: "request", hex: toHexDigits(body), texts: headers, with: what };
  }

  async feed(input: FuzzInput): Promise<FuzzVerdict> {
    const outgoing = this.#connect(input);
    if (outgoing === undefined) return "refused";
    const answered = new Promise<IncomingMessage | undefined>((resolve) => {
      outgoing.once("response", resolve).once("close", () => resolve(undefined));
    });
    outgoing.on("error", () => undefined);
    try {
      outgoing.end(bodyOf(input));
      const hasTime = input.with?.["leaveEarly"] !== true;
      if (!hasTime || !(await this.#world.settles(answered, ANSWER_MS))) outgoing.destroy();
      const answer = await this.#world.mustSettle(answered, describe(input));
      return answer === undefined ? "refused" : await this.#judge(outgoing, answer);
    } finally {
      outgoing.destroy();
      await this.#world.mustSettle(this.#answering, `${describe(input)}, whose asker has gone`);
      this.#assertNoInternalError(describe(input));
    }
  }

  /** Undefined for what no HTTP client lets pass: the target of the socket says that, too. */
  #connect(input: FuzzInput): ClientRequest | undefined {
    const [here, there] = connectionInMemory();
    this.#server.emit("connection", there);
    const headers: Record<string, string> = { host: "udpchat" };
    for (const line of input.texts ?? []) {
      const colon = line.indexOf(":");
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    try {
      const method = String(input.with?.["method"] ?? "GET");
      const path = String(input.with?.["path"] ?? "/");
      return request({ createConnection: () => here, method, path, headers });
    } catch (error) {
      here.destroy();
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  }

  /** Whatever it answered, the server did not have to admit a mistake. */
  #assertNoInternalError(asked: string): void {
    const [error] = this.#internalErrors.splice(0);
    if (error !== undefined) throw new Error(`${asked}: ${error.message}`, { cause: error });
  }

  async #judge(outgoing: ClientRequest, answer: IncomingMessage): Promise<FuzzVerdict> {
    const { statusCode, headers } = answer;
    const operation = operationOf(outgoing);
    if (headers["content-type"] === "text/event-stream") {
      await this.#readStream(outgoing, answer, operation);
      return "accepted";
    }
    const text = await this.#world.mustSettle(textOf(answer), "the body of the answer");
    if (statusCode === 500) throw new Error(`500: ${text}`);
    // Node refuses some by itself, and says no more; the answer to HEAD has no body.
    if (text === "") return "refused";
    assertHarmless(text, "an answer", []);
    if (statusCode === 200) {
      if (operation === undefined) throw new Error(`200 for ${outgoing.method} ${outgoing.path}`);
      v.parse(operation.output, JSON.parse(text));
      return "accepted";
    }
    assertErrorLine(text);
    return "refused";
  }

  /** Some lines of it; then the client goes, and the stream must end. */
  async #readStream(
    outgoing: ClientRequest,
    answer: IncomingMessage,
    operation: OperationDefinition | undefined,
  ): Promise<void> {
    if (operation === undefined) throw new Error("a stream of nothing");
    const parser = new SseParser();
    const chunks = answer[Symbol.asyncIterator]();
    for (let lines = 0; lines < MOST_LINES; ) {
      const next = chunks.next().catch(() => ({ done: true, value: undefined }));
      if (!(await this.#world.settles(next, STREAM_MS))) {
        outgoing.destroy();
        await this.#world.mustSettle(next, "a stream after its reader has gone");
      }
      const { done, value } = await next;
      if (done === true) return;
      if (!(value instanceof Uint8Array)) throw new Error("a stream of something else than bytes");
      for (const { event, data } of parser.push(value)) {
        assertHarmless(data, "an event", [NEWLINE]);
        if (event === "error") assertErrorLine(data);
        else v.parse(operation.output, JSON.parse(data));
        lines += 1;
      }
    }
  }

  /** Whatever was asked, it still answers. */
  async check(): Promise<void> {
    const status = { kind: "request", with: { method: "GET", path: "/v1/status" } };
    if ((await this.feed(status)) !== "accepted") throw new Error("status is refused");
  }

  async close(): Promise<void> {
    this.#stopLogging.abort();
    await this.#world.close();
  }
}

/** What came until its end, or until the asker had gone. */
async function textOf(answer: IncomingMessage): Promise<string> {
  let text = "";
  answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  answer.on("error", () => undefined);
  if (!answer.closed) await new Promise((resolve) => answer.once("close", resolve));
  return text;
}

function bodyOf(input: FuzzInput): Buffer {
  if (input.kind !== "large") return Buffer.from(fromHexDigits(input.hex));
  const filling = String(input.with?.["filling"] ?? " ");
  const sizeBytes = MAX_BODY_BYTES + Number(input.with?.["extraBytes"] ?? 0);
  return Buffer.alloc(sizeBytes, `{"target":"bob","text":"${filling}`);
}

function operationOf({ method, path }: ClientRequest): OperationDefinition | undefined {
  const operations: readonly OperationDefinition[] = Object.values(OPERATIONS);
  const [asked = ""] = path.split("?", 1);
  return operations.find((known) => known.path === asked && known.method === method);
}

function assertErrorLine(text: string): void {
  const { code, message } = v.parse(ErrorLineSchema, JSON.parse(text));
  if (!isErrorCode(code) || code === "INTERNAL") throw new Error(`the code ${code}: ${message}`);
}

function describe(input: FuzzInput): string {
  const body = Buffer.from(fromHexDigits(input.hex)).toString("latin1").slice(0, 300);
  return `${String(input.with?.["method"])} ${String(input.with?.["path"])} ${body}`;
}

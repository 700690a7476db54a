/** The local API in this process: every operation, without sockets. */
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
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
  readonly #app: ReturnType<typeof buildRoutes>;
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
    this.#app = buildRoutes({
      api: world.service,
      log,
      streams: new Places(MOST_STREAMS),
      internalError: (error) => void errors.push(error),
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
    const request = requestOf(input);
    if (request === undefined) return "refused";
    const incoming = new IncomingMessage(new Socket());
    const outgoing = new ServerResponse(incoming);
    const answering = Promise.resolve(this.#app.fetch(request, { incoming, outgoing }));
    try {
      const hasTime = input.with?.["leaveEarly"] !== true;
      if (!hasTime || !(await this.#world.settles(answering, ANSWER_MS))) outgoing.emit("close");
      const answer = await this.#world.mustSettle(answering, describe(input));
      return await this.#judge(request, answer, outgoing);
    } finally {
      outgoing.emit("close");
      incoming.destroy();
      this.#assertNoInternalError(describe(input));
    }
  }

  /** Whatever it answered, the server did not have to admit a mistake. */
  #assertNoInternalError(asked: string): void {
    const [error] = this.#internalErrors.splice(0);
    if (error !== undefined) throw new Error(`${asked}: ${error.message}`, { cause: error });
  }

  async #judge(request: Request, answer: Response, outgoing: ServerResponse): Promise<FuzzVerdict> {
    const { status } = answer;
    const operation = operationOf(request);
    if (status === 500) throw new Error(`500: ${await answer.text()}`);
    // The same without its body.
    if (request.method === "HEAD") return "refused";
    if (answer.headers.get("content-type")?.startsWith("text/event-stream") === true) {
      await this.#readStream(answer, operation, outgoing);
      return "accepted";
    }
    const text = await this.#world.mustSettle(answer.text(), "the body of the answer");
    assertHarmless(text, "an answer", []);
    if (status === 200) {
      if (operation === undefined) throw new Error(`200 for ${request.method} ${request.url}`);
      v.parse(operation.output, JSON.parse(text));
      return "accepted";
    }
    assertErrorLine(text);
    return "refused";
  }

  /** Some lines of it; then the client goes, and the stream must end. */
  async #readStream(
    answer: Response,
    operation: OperationDefinition | undefined,
    outgoing: ServerResponse,
  ): Promise<void> {
    const reader = answer.body?.getReader();
    if (reader === undefined || operation === undefined) throw new Error("a stream of nothing");
    const parser = new SseParser();
    for (let lines = 0; lines < MOST_LINES; ) {
      const next = reader.read();
      if (!(await this.#world.settles(next, STREAM_MS))) {
        outgoing.emit("close");
        await this.#world.mustSettle(next, "a stream after its reader has gone");
      }
      const { done, value } = await next;
      if (done) return;
      if (!(value instanceof Uint8Array)) throw new Error("a stream of something else than bytes");
      for (const { event, data } of parser.push(value)) {
        assertHarmless(data, "an event", [NEWLINE]);
        if (event === "error") assertErrorLine(data);
        else v.parse(operation.output, JSON.parse(data));
        lines += 1;
      }
    }
    outgoing.emit("close");
    await this.#world.mustSettle(reader.cancel(), "a stream that its reader cancels");
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

/** Undefined for what no client could say through `fetch`: the socket takes that. */
function requestOf(input: FuzzInput): Request | undefined {
  const method = String(input.with?.["method"] ?? "GET");
  const path = String(input.with?.["path"] ?? "/");
  const headers = new Headers();
  for (const line of input.texts ?? []) {
    const colon = line.indexOf(":");
    try {
      headers.append(line.slice(0, colon), line.slice(colon + 1));
    } catch {
      // No header line of HTTP.
    }
  }
  const hasBody = method !== "GET" && method !== "HEAD" && method !== "get";
  try {
    const url = new URL(path, "http://udpchat");
    return new Request(url, { method, headers, ...(hasBody ? { body: bodyOf(input) } : {}) });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function bodyOf(input: FuzzInput): Buffer {
  if (input.kind !== "large") return Buffer.from(fromHexDigits(input.hex));
  const filling = String(input.with?.["filling"] ?? " ");
  const sizeBytes = MAX_BODY_BYTES + Number(input.with?.["extraBytes"] ?? 0);
  return Buffer.alloc(sizeBytes, `{"target":"bob","text":"${filling}`);
}

/** By the address as the server reads it. */
function operationOf({ method, url }: Request): OperationDefinition | undefined {
  const path = decoded(new URL(url).pathname);
  const asked = method === "HEAD" ? "GET" : method;
  const operations: readonly OperationDefinition[] = Object.values(OPERATIONS);
  return operations.find((known) => known.path === path && known.method === asked);
}

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

function assertErrorLine(text: string): void {
  const { code, message } = v.parse(ErrorLineSchema, JSON.parse(text));
  if (!isErrorCode(code) || code === "INTERNAL") throw new Error(`the code ${code}: ${message}`);
}

function describe(input: FuzzInput): string {
  const body = Buffer.from(fromHexDigits(input.hex)).toString("latin1").slice(0, 300);
  return `${String(input.with?.["method"])} ${String(input.with?.["path"])} ${body}`;
}

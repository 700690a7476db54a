import type { IncomingMessage, ServerResponse } from "node:http";
import * as v from "valibot";
import { type ErrorCode, errnoOf, type Fault, toUdpchatError, UdpchatError } from "../errors.js";
import { toJson } from "../sanitise.js";
import type { EventLog, LoggedLine } from "./eventLog.js";
import {
  type Api,
  type Input,
  isOperationName,
  isStreamName,
  OPERATIONS,
  type OperationName,
  type Operations,
  type StreamName,
  type UnaryName,
} from "./operations.js";
import { toErrorLine } from "./toLines.js";

/** A text of 64 KiB whose every byte JSON writes as six (`\u0000`), and what goes round it. */
export const MAX_BODY_BYTES = 64 * 1024 * 6 + 4096;
/** Silence on a stream after which a comment shows that it is alive. */
const HEARTBEAT_MS = 15_000;

export interface RoutesOptions {
  readonly api: Api;
  /** Serves `events`. */
  readonly log: EventLog;
  /** Of streams that are open at once. */
  readonly streams: Places;
  /** Told of failures that are bugs of ours. */
  readonly internalError: (error: UdpchatError) => void;
}

/** So many at once. */
export class Places {
  readonly #count: number;
  #taken = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** What gives the place back, once; undefined if all are taken. */
  take(): (() => void) | undefined {
    if (this.#taken >= this.#count) return undefined;
    this.#taken += 1;
    let held = true;
    return () => {
      if (held) this.#taken -= 1;
      held = false;
    };
  }
}

const STATUS_OF_FAULT: Readonly<Record<Fault, number>> = {
  usage: 400,
  peer: 502,
  weather: 504,
  ours: 500,
};
const STATUS_OF_CODE: Partial<Readonly<Record<ErrorCode, number>>> = {
  NO_SUCH_PEER: 404,
  NOBODY: 404,
  MESSAGE_TOO_LARGE: 413,
  CLOSED: 503,
  LIMIT_REACHED: 503,
};

/** A request, and where its answer goes. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Answers one request; never rejects. */
export type Routes = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The HTTP routes of the table. */
export function buildRoutes(options: RoutesOptions): Routes {
  const names = new Map(
    Object.entries(OPERATIONS).map(([name, { method, path }]) => [`${method} ${path}`, name]),
  );
  return async (request, response) => {
    const exchange = { request, response };
    // Whoever went away is told nothing more.
    response.on("error", () => undefined);
    try {
      if (isOfWebPage(request)) {
        throw new UdpchatError("INVALID_ARGUMENT", "requests of web pages are refused", {
          remedy: "send it from a program: curl --unix-socket",
        });
      }
      const { method = "" } = request;
      const path = pathOf(request);
      const name = names.get(`${method} ${path}`) ?? "";
      if (!isOperationName(name)) answerJson(exchange, toErrorLine(unknownTo(method, path)), 404);
      else if (isStreamName(name)) await answerStream(options, name, exchange);
      else await answerCall(options.api, name, exchange);
    } catch (thrown) {
      fail(options, exchange, thrown);
    }
  };
}

/** As it was written, of an absolute address as well (RFC 9112 section 3.2.2). */
function pathOf({ url = "" }: IncomingMessage): string {
  return /^(?:https?:\/\/[^/?#]*)?([^?#]*)/i.exec(url)?.[1] ?? "";
}

function fail(options: RoutesOptions, exchange: Exchange, thrown: unknown): void {
  const error = errnoOf(thrown) === "ECONNRESET" ? clientLeft(thrown) : toUdpchatError(thrown);
  if (error.code === "INTERNAL") options.internalError(error);
  if (exchange.response.headersSent) {
    exchange.response.destroy();
    return;
  }
  const status = STATUS_OF_CODE[error.code] ?? STATUS_OF_FAULT[error.fault];
  answerJson(exchange, toErrorLine(error), status);
}

async function answerCall<N extends UnaryName>(
  api: Api,
  name: N,
  exchange: Exchange,
): Promise<void> {
  const signal = whileConnected(exchange);
  const input = await readInput(name, exchange);
  answerJson(exchange, await api.call(name, input, { signal }), 200);
}

async function answerStream<N extends StreamName>(
  options: RoutesOptions,
  name: N,
  exchange: Exchange,
): Promise<void> {
  const giveBack = options.streams.take();
  if (giveBack === undefined) throw tooManyStreams();
  const signal = whileConnected(exchange);
  signal.addEventListener("abort", giveBack, { once: true });
  if (signal.aborted) giveBack();
  const input = await readInput(name, exchange);
  const lines =
    name === "events"
      ? options.log.follow(lastEventId(exchange), signal)
      : serialised(options.api.stream(name, input, { signal }));
  // What fails before the first line still has a status of its own.
  const first = await lines.next();
  const { response } = exchange;
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  // One at a time: a client that reads nothing does not make them pile up.
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(": heartbeat\n\n");
  }, HEARTBEAT_MS);
  try {
    for (let next = first; next.done !== true; next = await lines.next()) {
      await writeLine(response, next.value, signal);
      if (signal.aborted) break;
    }
  } catch (thrown) {
    const error = toUdpchatError(thrown);
    if (error.code === "INTERNAL") options.internalError(error);
    const line = { id: undefined, type: "error", json: toJson(toErrorLine(error)) };
    await writeLine(response, line, signal);
  } finally {
    clearInterval(heartbeat);
    await lines.return(undefined);
    response.end();
  }
}

async function* serialised(
  lines: AsyncIterable<{ readonly type: string }>,
): AsyncGenerator<LoggedLine, void, undefined> {
  for await (const line of lines) {
    yield { id: undefined, type: line.type, json: toJson(line) };
  }
}

/** Settles when there is room for the next one: a client that reads slowly slows its stream down. */
async function writeLine(
  response: ServerResponse,
  { id, type, json }: LoggedLine,
  signal: AbortSignal,
): Promise<void> {
  const place = id === undefined ? "" : `id: ${id}\n`;
  if (signal.aborted || response.write(`event: ${type}\ndata: ${json}\n${place}\n`)) return;
  await new Promise<void>((resolve) => {
    const goOn = (): void => {
      response.off("drain", goOn);
      signal.removeEventListener("abort", goOn);
      resolve();
    };
    response.on("drain", goOn);
    signal.addEventListener("abort", goOn);
  });
}

/** Nothing to a client that has gone. */
function answerJson({ response }: Exchange, value: object, status: number): void {
  const body = Buffer.from(toJson(value));
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": body.length,
  });
  response.end(body);
}

/**
 * No browser can open a Unix socket, but people forward it to a TCP port. Browsers name the page
 * in `Origin`, or say `Sec-Fetch-Site` (Fetch standard section 3.2, Fetch Metadata section 2.4). A
 * page whose domain was made to point here (DNS rebinding) may do neither, but its `Host` is that
 * domain. What a body claims to be (`Content-Type`) is no defence, and `curl -d` gets it wrong.
 */
function isOfWebPage({ headers }: IncomingMessage): boolean {
  if (headers.origin !== undefined || headers["sec-fetch-site"] !== undefined) return true;
  const host = (headers.host ?? "").replace(/:\d*$/, "");
  return host.includes(".") && !/^[\d.]+$/.test(host);
}

/** Aborts when the client goes away before it has its answer, or has it. */
function whileConnected({ request: { socket }, response }: Exchange): AbortSignal {
  const controller = new AbortController();
  const end = (): void => {
    socket.off("close", end);
    response.off("close", end);
    controller.abort();
  };
  // An answer behind another one on its connection has no socket yet, and never closes.
  socket.on("close", end);
  response.on("close", end);
  if (socket.destroyed || response.destroyed) end();
  return controller.signal;
}

function lastEventId({ request }: Exchange): string | undefined {
  const value = request.headers["last-event-id"];
  return typeof value === "string" ? value : undefined;
}

/** The body as the schema has it. Throws INVALID_ARGUMENT naming the field. */
async function readInput<N extends OperationName>(
  name: N,
  { request }: Exchange,
): Promise<Input<N>> {
  const body = OPERATIONS[name].method === "GET" ? "" : await readBody(request);
  let value: unknown;
  try {
    value = body.trim() === "" ? {} : JSON.parse(body);
  } catch (error) {
    throw new UdpchatError("INVALID_ARGUMENT", "the body is not JSON", {
      cause: error,
      remedy: "send one JSON object",
    });
  }
  const schema: Operations[N]["input"] = OPERATIONS[name].input;
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const field = v.getDotPath(issue) ?? "the body";
  if (issue.type === "strict_object") throw unknownField(field);
  throw new UdpchatError("INVALID_ARGUMENT", `${field}: ${issue.message}`, {
    remedy: "see the list of operations",
  });
}

/** To ignore it could be to drop a condition: `requireVerified`, say. */
function unknownField(field: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", `${field}: the daemon knows no such field`, {
    remedy: "if a newer udpchat sent it, restart the daemon: udpchat stop, udpchat start",
  });
}

/** @throws UdpchatError MESSAGE_TOO_LARGE; what is left of it then goes by unread */
function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    request.on("data", (chunk: Uint8Array) => {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_BODY_BYTES) reject(tooLarge());
      else chunks.push(chunk);
    });
    request.once("end", () => resolve(new TextDecoder().decode(Buffer.concat(chunks))));
    request.once("error", reject);
  });
}

/** In the middle of its body: nobody reads that. */
function clientLeft(cause: unknown): UdpchatError {
  return new UdpchatError("ABORTED", "the body has no end", { cause });
}

function tooLarge(): UdpchatError {
  return new UdpchatError("MESSAGE_TOO_LARGE", `the body has more than ${MAX_BODY_BYTES} bytes`);
}

function tooManyStreams(): UdpchatError {
  return new UdpchatError("LIMIT_REACHED", "too many programs follow the daemon", {
    remedy: "end some of them",
  });
}

function unknownTo(method: string, path: string): UdpchatError {
  const known = Object.values(OPERATIONS).find((operation) => operation.path === path);
  const remedy = known === undefined ? "see the list of operations" : `use ${known.method}`;
  return new UdpchatError("INVALID_ARGUMENT", `no operation ${method} ${path}`, { remedy });
}

import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
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
export const HEARTBEAT_MS = 15_000;

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

type Env = { Bindings: HttpBindings };
type HttpStatus = 200 | 400 | 404 | 413 | 500 | 502 | 503 | 504;

const STATUS_OF_FAULT: Readonly<Record<Fault, HttpStatus>> = {
  usage: 400,
  peer: 502,
  weather: 504,
  ours: 500,
};
const STATUS_OF_CODE: Partial<Readonly<Record<ErrorCode, HttpStatus>>> = {
  NO_SUCH_PEER: 404,
  NOBODY: 404,
  MESSAGE_TOO_LARGE: 413,
  CLOSED: 503,
  LIMIT_REACHED: 503,
};

/** The HTTP routes of the table. */
export function buildRoutes(options: RoutesOptions): Hono<Env> {
  const app = new Hono<Env>();
  const fail = (context: Context<Env>, thrown: unknown): Response => {
    const error = errnoOf(thrown) === "ECONNRESET" ? clientLeft(thrown) : toUdpchatError(thrown);
    if (error.code === "INTERNAL") options.internalError(error);
    const status = STATUS_OF_CODE[error.code] ?? STATUS_OF_FAULT[error.fault];
    return answerJson(context, toErrorLine(error), status);
  };
  app.onError((error, context) => fail(context, error));
  app.notFound((context) =>
    answerJson(context, toErrorLine(noSuchOperation(context.req.method, context.req.path)), 404),
  );
  app.use(async (context, next) => {
    if (isOfWebPage(context)) {
      throw new UdpchatError("INVALID_ARGUMENT", "requests of web pages are refused");
    }
    await next();
  });

  for (const name of Object.keys(OPERATIONS)) {
    if (!isOperationName(name)) continue;
    const { method, path } = OPERATIONS[name];
    app.on(method, path, (context) =>
      isStreamName(name)
        ? answerStream(options, name, context, fail)
        : answerCall(options.api, name, context),
    );
  }
  return app;
}

async function answerCall<N extends UnaryName>(
  api: Api,
  name: N,
  context: Context<Env>,
): Promise<Response> {
  const signal = whileConnected(context);
  const input = await readInput(name, context);
  return answerJson(context, await api.call(name, input, { signal }), 200);
}

async function answerStream<N extends StreamName>(
  options: RoutesOptions,
  name: N,
  context: Context<Env>,
  fail: (context: Context<Env>, thrown: unknown) => Response,
): Promise<Response> {
  const giveBack = options.streams.take();
  if (giveBack === undefined) throw tooManyStreams();
  const signal = whileConnected(context);
  signal.addEventListener("abort", giveBack, { once: true });
  if (signal.aborted) giveBack();
  const input = await readInput(name, context);
  const lines =
    name === "events"
      ? options.log.follow(context.req.header("last-event-id"), signal)
      : serialised(options.api.stream(name, input, { signal }));
  // What fails before the first line still has a status of its own.
  let first: IteratorResult<LoggedLine>;
  try {
    first = await lines.next();
  } catch (error) {
    return fail(context, error);
  }
  return streamSSE(context, async (stream) => {
    // One at a time: a client that reads nothing does not make them pile up.
    let beat: Promise<unknown> | undefined;
    const heartbeat = setInterval(() => {
      beat ??= stream.write(": heartbeat\n\n").finally(() => (beat = undefined));
    }, HEARTBEAT_MS);
    try {
      for (let next = first; next.done !== true; next = await lines.next()) {
        await writeLine(stream, next.value);
        if (signal.aborted) break;
      }
    } catch (thrown) {
      const error = toUdpchatError(thrown);
      if (error.code === "INTERNAL") options.internalError(error);
      await writeLine(stream, { id: undefined, type: "error", json: toJson(toErrorLine(error)) });
    } finally {
      clearInterval(heartbeat);
      await lines.return(undefined);
    }
  });
}

async function* serialised(
  lines: AsyncIterable<{ readonly type: string }>,
): AsyncGenerator<LoggedLine, void, undefined> {
  for await (const line of lines) {
    yield { id: undefined, type: line.type, json: toJson(line) };
  }
}

function writeLine(stream: SSEStreamingApi, line: LoggedLine): Promise<void> {
  return stream.writeSSE({
    event: line.type,
    data: line.json,
    ...(line.id === undefined ? {} : { id: line.id }),
  });
}

function answerJson(context: Context<Env>, value: object, status: HttpStatus): Response {
  return context.body(toJson(value), status, { "content-type": "application/json" });
}

/**
 * No browser can open a Unix socket, but people forward it to a TCP port. Browsers name the page
 * in `Origin`, or say `Sec-Fetch-Site` (Fetch standard section 3.2, Fetch Metadata section 2.4). A
 * page whose domain was made to point here (DNS rebinding) may do neither, but its `Host` is that
 * domain. What a body claims to be (`Content-Type`) is no defence, and `curl -d` gets it wrong.
 */
function isOfWebPage({ req }: Context<Env>): boolean {
  if (req.header("origin") !== undefined || req.header("sec-fetch-site") !== undefined) return true;
  const host = (req.header("host") ?? "").replace(/:\d*$/, "");
  return host.includes(".") && !/^[\d.]+$/.test(host);
}

/** Aborts when the client goes away before it has its answer, or has it. */
function whileConnected(context: Context<Env>): AbortSignal {
  const controller = new AbortController();
  const { outgoing } = context.env;
  outgoing.once("close", () => controller.abort());
  if (outgoing.destroyed) controller.abort();
  return controller.signal;
}

/** The body as the schema has it. Throws INVALID_ARGUMENT naming the field. */
async function readInput<N extends OperationName>(
  name: N,
  context: Context<Env>,
): Promise<Input<N>> {
  const body = await readBody(context);
  let value: unknown;
  try {
    value = body.trim() === "" ? {} : JSON.parse(body);
  } catch (error) {
    throw new UdpchatError("INVALID_ARGUMENT", "the body is not JSON", { cause: error });
  }
  const schema: Operations[N]["input"] = OPERATIONS[name].input;
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const field = v.getDotPath(issue) ?? "the body";
  if (issue.type === "strict_object") throw unknownField(field);
  throw new UdpchatError("INVALID_ARGUMENT", `${field}: ${issue.message}`);
}

/** To ignore it could be to drop a condition: `requireVerified`, say. */
function unknownField(field: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", `${field}: the daemon knows no such field`, {
    remedy: "if a newer udpchat sent it, restart the daemon: udpchat stop, udpchat start",
  });
}

/**
 * Not Hono's own limit: that makes a new `Request` of one whose length is not told, which Node's
 * takes for none of its own.
 */
async function readBody({ req }: Context<Env>): Promise<string> {
  if (Number(req.header("content-length") ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const reader = req.raw.body?.getReader();
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for (;;) {
    const next = await reader?.read();
    if (next === undefined || next.done) break;
    sizeBytes += next.value.length;
    if (sizeBytes > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(next.value);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
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

function noSuchOperation(method: string, path: string): UdpchatError {
  const known = Object.values(OPERATIONS).find((operation) => operation.path === path);
  const remedy = known === undefined ? "see the list of operations" : `use ${known.method}`;
  return new UdpchatError("INVALID_ARGUMENT", `no operation ${method} ${path}`, { remedy });
}

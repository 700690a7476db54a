import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import * as v from "valibot";
import { type ErrorCode, type Fault, toUdpchatError, UdpchatError } from "../errors.js";
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
  /** Told of failures that are bugs of ours. */
  readonly internalError: (error: UdpchatError) => void;
}

type Env = { Bindings: HttpBindings };
type HttpStatus = 400 | 404 | 413 | 500 | 502 | 503 | 504;

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
};

/** The HTTP routes of the table. */
export function buildRoutes(options: RoutesOptions): Hono<Env> {
  const app = new Hono<Env>();
  const fail = (context: Context<Env>, thrown: unknown): Response => {
    const error = toUdpchatError(thrown);
    if (error.code === "INTERNAL") options.internalError(error);
    const status = STATUS_OF_CODE[error.code] ?? STATUS_OF_FAULT[error.fault];
    return context.json(toErrorLine(error), status);
  };
  app.onError((error, context) => fail(context, error));
  app.notFound((context) =>
    context.json(toErrorLine(noSuchOperation(context.req.method, context.req.path)), 404),
  );
  app.use(async (context, next) => {
    // Browsers send it with every request that could be another site's.
    if (context.req.header("origin") !== undefined) {
      throw new UdpchatError("INVALID_ARGUMENT", "requests of web pages are refused");
    }
    await next();
  });
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (context) => fail(context, tooLarge()) }));

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
  return context.json(await api.call(name, input, { signal }));
}

async function answerStream<N extends StreamName>(
  options: RoutesOptions,
  name: N,
  context: Context<Env>,
  fail: (context: Context<Env>, thrown: unknown) => Response,
): Promise<Response> {
  const signal = whileConnected(context);
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
    const heartbeat = setInterval(() => void stream.write(": heartbeat\n\n"), HEARTBEAT_MS);
    try {
      for (let next = first; next.done !== true; next = await lines.next()) {
        await writeLine(stream, next.value);
        if (signal.aborted) break;
      }
    } catch (thrown) {
      const error = toUdpchatError(thrown);
      if (error.code === "INTERNAL") options.internalError(error);
      const json = JSON.stringify(toErrorLine(error));
      await writeLine(stream, { id: undefined, type: "error", json });
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
    yield { id: undefined, type: line.type, json: JSON.stringify(line) };
  }
}

function writeLine(stream: SSEStreamingApi, line: LoggedLine): Promise<void> {
  return stream.writeSSE({
    event: line.type,
    data: line.json,
    ...(line.id === undefined ? {} : { id: line.id }),
  });
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
  const body = await context.req.text();
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
  throw new UdpchatError("INVALID_ARGUMENT", `${field}: ${issue.message}`);
}

function tooLarge(): UdpchatError {
  return new UdpchatError("MESSAGE_TOO_LARGE", `the body has more than ${MAX_BODY_BYTES} bytes`);
}

function noSuchOperation(method: string, path: string): UdpchatError {
  const known = Object.values(OPERATIONS).find((operation) => operation.path === path);
  const remedy = known === undefined ? "see the list of operations" : `use ${known.method}`;
  return new UdpchatError("INVALID_ARGUMENT", `no operation ${method} ${path}`, { remedy });
}

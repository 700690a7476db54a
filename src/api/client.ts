import { lstat } from "node:fs/promises";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import { AbortLink } from "../abortLink.js";
import { errnoOf, isErrorCode, toUdpchatError, UdpchatError } from "../errors.js";
import { ErrorLineSchema } from "./lines.js";
import {
  type Api,
  type CallOptions,
  type Input,
  OPERATIONS,
  type OperationName,
  type Operations,
  type Output,
  type StreamName,
  type UnaryName,
} from "./operations.js";
import { SseParser } from "./sse.js";

export interface ConnectOptions {
  /**
   * Keep `events` going when the daemon goes away: wait for it, and resume behind the last event
   * (a `ready`, perhaps after a `resync`, is seen again). Default false: the stream throws.
   */
  readonly resumeEvents?: boolean;
  /** Pause before connecting again. Default 1000. */
  readonly resumeDelayMs?: number;
}

/** The longest answer that is read: four times what a history has, see `MAX_HISTORY_BYTES`. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** The daemon's API at `socketPath`. Connects with each call: nothing is open in between. */
export function connectApi(socketPath: string, options: ConnectOptions = {}): Api {
  return new ApiClient(socketPath, options);
}

/** True if something of ours accepts connections at the socket. Rejects with HOME_UNUSABLE. */
export async function daemonAnswers(socketPath: string): Promise<boolean> {
  if (!(await ownSocketExists(socketPath))) return false;
  return await new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (cause) => {
      if (isAbsence(cause)) resolve(false);
      else reject(barred(socketPath, cause));
    });
  });
}

class ApiClient implements Api {
  readonly #socketPath: string;
  readonly #resumeEvents: boolean;
  readonly #resumeDelayMs: number;
  readonly #closing = new AbortController();

  constructor(socketPath: string, options: ConnectOptions) {
    this.#socketPath = socketPath;
    this.#resumeEvents = options.resumeEvents ?? false;
    this.#resumeDelayMs = options.resumeDelayMs ?? 1000;
  }

  async call<N extends UnaryName>(
    name: N,
    input: Input<N>,
    options: CallOptions = {},
  ): Promise<Output<N>> {
    const ending = new AbortLink(this.#closing.signal, options.signal);
    const { signal } = ending;
    try {
      const response = await this.#request(name, input, signal);
      const body = parseJson(await readBody(response));
      if (response.statusCode !== 200) throw failureOf(body, response.statusCode);
      return parseOutput(name, body);
    } catch (error) {
      throw this.#explain(error, signal);
    } finally {
      ending.release();
    }
  }

  async *stream<N extends StreamName>(
    name: N,
    input: Input<N>,
    options: CallOptions = {},
  ): AsyncGenerator<Output<N>, void, undefined> {
    const ending = new AbortLink(this.#closing.signal, options.signal);
    try {
      yield* this.#resumedLines(name, input, ending.signal);
    } catch (error) {
      if (options.signal?.aborted !== true) throw error;
    } finally {
      ending.release();
    }
  }

  async *#resumedLines<N extends StreamName>(
    name: N,
    input: Input<N>,
    signal: AbortSignal,
  ): AsyncGenerator<Output<N>, void, undefined> {
    const place = { lastEventId: "" };
    for (;;) {
      try {
        yield* this.#lines(name, input, signal, place);
        return;
      } catch (thrown) {
        const error = this.#explain(thrown, signal);
        const away = error.code === "DAEMON_NOT_RUNNING" || error.code === "CLOSED";
        const resume = this.#resumeEvents && name === "events" && away && !signal.aborted;
        // A daemon that was never there is an error, not something to wait for.
        if (!resume || place.lastEventId === "") throw error;
      }
      await delay(this.#resumeDelayMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async *#lines<N extends StreamName>(
    name: N,
    input: Input<N>,
    signal: AbortSignal,
    place: { lastEventId: string },
  ): AsyncGenerator<Output<N>, void, undefined> {
    const response = await this.#request(name, input, signal, place.lastEventId);
    try {
      const { statusCode } = response;
      if (statusCode !== 200) throw failureOf(parseJson(await readBody(response)), statusCode);
      const parser = new SseParser();
      for await (const chunk of response) {
        if (!(chunk instanceof Uint8Array)) continue;
        for (const event of parser.push(chunk)) {
          const line = parseJson(event.data);
          if (event.event === "error") throw failureOf(line);
          place.lastEventId = event.id;
          const parsed = v.safeParse(schemaOf(name), line);
          if (parsed.success) yield parsed.output;
          else if (!isOfUnknownType(parsed.issues[0])) throw notOurs(parsed.issues[0]);
        }
      }
      if (name === "events") throw new UdpchatError("CLOSED", "the daemon was stopped");
    } finally {
      response.destroy();
    }
  }

  async #request<N extends OperationName>(
    name: N,
    input: Input<N>,
    signal: AbortSignal,
    lastEventId = "",
  ): Promise<IncomingMessage> {
    if (!(await ownSocketExists(this.#socketPath))) throw notRunning("no daemon is running");
    const { method, path } = OPERATIONS[name];
    const body = method === "GET" ? undefined : JSON.stringify(input);
    return await new Promise((resolve, reject) => {
      const outgoing: ClientRequest = request({
        // Without an agent, which would take the host for a server of the internet.
        createConnection: () => connect(this.#socketPath),
        method,
        path,
        signal,
        headers: {
          host: "udpchat",
          connection: "close",
          ...(body === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
          ...(lastEventId === "" ? {} : { "last-event-id": lastEventId }),
        },
      });
      outgoing.once("response", resolve);
      outgoing.once("error", reject);
      outgoing.end(body);
    });
  }

  #explain(thrown: unknown, signal: AbortSignal): UdpchatError {
    if (this.#closing.signal.aborted) {
      return new UdpchatError("CLOSED", "the connection to the daemon was closed");
    }
    if (signal.aborted) return new UdpchatError("ABORTED", "given up", { cause: thrown });
    if (thrown instanceof UdpchatError) return thrown;
    if (isAbsence(thrown)) return notRunning("no daemon is running", thrown);
    switch (errnoOf(thrown)) {
      case "ECONNRESET":
      case "EPIPE":
        return notRunning("the daemon went away", thrown);
      case "EACCES":
      case "EPERM":
        return barred(this.#socketPath, thrown);
      default:
        return toUdpchatError(thrown);
    }
  }
}

/**
 * False if there is no socket. Others must not be able to lay a trap there: in the shared temporary
 * folder, say, where a socket of theirs would be told everything that is sent.
 * @throws UdpchatError HOME_UNUSABLE if it, or its folder, is not this user's alone
 */
async function ownSocketExists(socketPath: string): Promise<boolean> {
  const uid = process.getuid?.();
  if (uid === undefined) return true; // Windows, where pipes have owners of their own
  try {
    const socket = await lstat(socketPath);
    const folder = await lstat(dirname(socketPath));
    const isOurs = socket.uid === uid && folder.uid === uid && (folder.mode & 0o022) === 0;
    if (isOurs) return true;
  } catch (cause) {
    if (isAbsence(cause)) return false;
    throw barred(socketPath, cause);
  }
  throw barred(socketPath);
}

function notRunning(message: string, cause?: unknown): UdpchatError {
  const remedy = "start it with: udpchat start";
  return new UdpchatError("DAEMON_NOT_RUNNING", message, { cause, remedy });
}

function barred(socketPath: string, cause?: unknown): UdpchatError {
  const why = errnoOf(cause) ?? "others can change it";
  return new UdpchatError("HOME_UNUSABLE", `can't use ${socketPath} (${why})`, {
    cause,
    remedy: "it belongs to another user, or its folder is open to others: choose another --home",
  });
}

function isAbsence(thrown: unknown): boolean {
  const code = errnoOf(thrown);
  return code === "ENOENT" || code === "ECONNREFUSED";
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_ANSWER_BYTES) {
      throw notOurs(new RangeError(`an answer is longer than ${MAX_ANSWER_BYTES} bytes`));
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notOurs(cause);
  }
}

function schemaOf<N extends OperationName>(name: N): Operations[N]["output"] {
  return OPERATIONS[name].output;
}

function parseOutput<N extends OperationName>(name: N, value: unknown): Output<N> {
  const result = v.safeParse(schemaOf(name), value);
  if (!result.success) throw notOurs(result.issues[0]);
  return result.output;
}

/** A line of a type that a newer daemon has: whoever follows loses nothing that it knows. */
function isOfUnknownType(issue: v.BaseIssue<unknown>): boolean {
  const isAboutType = issue.type === "variant" && v.getDotPath(issue) === "type";
  return isAboutType && typeof issue.input === "string";
}

/** An INVALID_ARGUMENT with this status is about the operation itself. */
const NOT_FOUND = 404;

/** The error that the daemon had, as if it had happened here. */
function failureOf(value: unknown, status?: number): UdpchatError {
  const line = v.safeParse(ErrorLineSchema, value);
  if (!line.success) return notOurs(line.issues[0]);
  const { code, message, remedy } = line.output;
  if (status === NOT_FOUND && code === "INVALID_ARGUMENT") return notOffered(message);
  return new UdpchatError(
    isErrorCode(code) ? code : "INTERNAL",
    message,
    remedy === null ? {} : { remedy },
  );
}

function notOffered(cause: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", "the daemon that is running cannot do that", {
    cause,
    remedy: "it is of another version: restart it with udpchat stop, udpchat start",
  });
}

function notOurs(cause: unknown): UdpchatError {
  return new UdpchatError("INTERNAL", "the daemon gave an answer that is not understood", {
    cause,
    remedy: "restart it, in case it is another version: udpchat stop, udpchat start",
  });
}

import type { DeliveryLine } from "../../../api/lines.js";
import { type Api, CLIENT_ID, type Input, MAX_TTL_MS } from "../../../api/operations.js";
import { UdpchatError } from "../../../errors.js";
import { DEFAULT_TIMEOUT_MS, durationText } from "../../../messenger/waiting.js";
import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { parseDurationMs } from "../../duration.js";
import { errorSentence } from "../../errorReport.js";
import { EXIT } from "../../exitCodes.js";
import { type FormatArgs, withFormat } from "../../format/options.js";
import { readTextArgument } from "../../textArgument.js";
import { waitInput } from "../../timeoutInput.js";
import { undelivered, whomText } from "../../undelivered.js";
import { ReadWait } from "./readWait.js";

export interface SendArgs extends FormatArgs {
  readonly target: string;
  readonly text: string;
  readonly queue: boolean;
  readonly ttl?: string | undefined;
  readonly id?: string | undefined;
  readonly waitRead: boolean;
  readonly plain: boolean;
  readonly wait?: string | undefined;
}

export async function handle(args: SendArgs, given: CommandContext): Promise<number> {
  assertFit(args);
  const context = await withFormat(args, "send", given);
  const { io, settings, signal } = context;
  const queueing = queueInput(args);
  const text = await readTextArgument(args.text, io, signal);
  if (args.plain) {
    if (settings.requireVerified === true) {
      throw new UdpchatError("NOT_VERIFIED", "plain text goes to nobody who was verified", {
        remedy: "send it without --plain, or without --require-verified",
      });
    }
    const { sendPlain } = await import("./plain.js");
    return await sendPlain({ target: args.target, text, wait: args.wait }, context);
  }
  const input = { target: args.target, text, ...waitInput(context), ...queueing };
  const own = { receives: false, keeps: true };
  return await withApi(context, own, async (api, by) => {
    if (args.queue && by === "ourselves" && settings.store === "memory") throw notKept();
    const send = (): Promise<DeliveryLine> =>
      args.queue && by === "ourselves"
        ? queueOurselves(api, input, context)
        : api.call("send", input, { signal });
    if (!args.waitRead) return await report(await send(), by, args, context);
    const timeoutMs = settings.timeout ?? DEFAULT_TIMEOUT_MS;
    const endMs = performance.now() + timeoutMs;
    const reading = await ReadWait.begin(api, signal);
    try {
      const delivery = await send();
      const code = await report(delivery, by, args, context);
      if (code !== EXIT.done) return code;
      const leftMs = endMs - performance.now();
      const read = await reading.until(delivery, { clientId: args.id, timeoutMs: leftMs });
      if (read === undefined && !signal.aborted) throw notRead(delivery, timeoutMs);
      if (read !== undefined) await context.printer.line(read);
      return EXIT.done;
    } finally {
      await reading.end();
    }
  });
}

/** Says how far the message came; resolves with the exit code. */
async function report(
  delivery: DeliveryLine,
  by: "daemon" | "ourselves",
  { queue }: SendArgs,
  { printer, settings, stderr }: CommandContext,
): Promise<number> {
  if (delivery.status !== "undelivered") {
    await printer.line(delivery);
    if (delivery.status === "queued" && by === "ourselves" && !printer.forScripts) {
      await stderr.line("no daemon runs here: it goes when one does (`udpchat start`)");
    }
    return EXIT.done;
  }
  if (printer.forScripts) await printer.line(delivery);
  const timeoutMs = settings.timeout ?? DEFAULT_TIMEOUT_MS;
  const orElse = queue ? undefined : "let it wait with --queue";
  await stderr.line(errorSentence(undelivered(delivery, timeoutMs, orElse)));
  return EXIT.notDelivered;
}

/** @throws UdpchatError INVALID_ARGUMENT for options that do not go together */
function assertFit({ id, plain, queue, ttl, wait, waitRead }: SendArgs): void {
  if (wait !== undefined && !plain) {
    throw invalid("--wait goes with --plain alone", "use --timeout to wait for a delivery");
  }
  if (plain && (queue || waitRead || id !== undefined)) {
    const option = queue ? "--queue" : waitRead ? "--wait-read" : "--id";
    throw invalid(`${option} does not go with --plain`, "nobody acknowledges plain text");
  }
  if (ttl !== undefined && !queue) {
    throw invalid("--ttl goes with --queue alone", "use --timeout to wait for a delivery");
  }
}

/** @throws UdpchatError INVALID_DURATION, INVALID_ARGUMENT */
function queueInput({ id, queue, ttl }: SendArgs): QueueInput {
  if (id !== undefined && !CLIENT_ID.test(id)) {
    throw invalid("--id is not possible", "use 1 to 64 printable ASCII characters");
  }
  return {
    ...(queue ? { queue } : {}),
    ...(ttl === undefined ? {} : { ttlMs: ttlMsOf(ttl) }),
    ...(id === undefined ? {} : { id }),
  };
}

type QueueInput = Pick<Input<"send">, "queue" | "ttlMs" | "id">;

function ttlMsOf(text: string): number {
  const ttlMs = parseDurationMs(text);
  if (ttlMs >= 1 && ttlMs <= MAX_TTL_MS) return ttlMs;
  throw new UdpchatError("INVALID_DURATION", `--ttl: "${text}" is not possible`, {
    remedy: "use 1ms to 365d",
  });
}

/**
 * What only memory holds is lost when this process ends.
 * @throws UdpchatError STORE_UNUSABLE if the disk does not take it
 */
async function queueOurselves(
  api: Api,
  input: Input<"send">,
  { paths, signal }: CommandContext,
): Promise<DeliveryLine> {
  let isOnDisk = true;
  const ended = new AbortController();
  const watching = (async () => {
    for await (const line of api.stream("events", {}, { signal: ended.signal })) {
      if (line.type !== "warning") continue;
      if (line.code === "STORE_FAILED") isOnDisk = false;
      if (line.code === "STORE_RESTORED") isOnDisk = true;
    }
  })();
  let delivery: DeliveryLine;
  try {
    delivery = await api.call("send", input, { signal });
  } finally {
    ended.abort();
    await watching;
  }
  if (delivery.status !== "queued" || isOnDisk) return delivery;
  throw new UdpchatError("STORE_UNUSABLE", `not queued: nothing can be stored in ${paths.home}`, {
    remedy: "make room on that disk, or make it writable, and send the message again",
  });
}

function notKept(): UdpchatError {
  return new UdpchatError("DAEMON_NOT_RUNNING", "only a daemon can queue with --store memory", {
    remedy: "start it with `udpchat start`, or leave --store memory out",
  });
}

function invalid(message: string, remedy: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", message, { remedy });
}

function notRead({ status, to }: DeliveryLine, timeoutMs: number): UdpchatError {
  const howFar = status === "queued" ? "is queued" : "is delivered";
  const message = `the message to ${whomText(to)} ${howFar}, but nobody read it`;
  return new UdpchatError("TIMEOUT", `${message} within ${durationText(timeoutMs)}`, {
    remedy: "wait longer with --timeout; who has switched read receipts off never tells",
  });
}

/** What may stand in a log: facts, not what was said, and nothing that opens what was sealed. */
import { errnoOf, toUdpchatError, UdpchatError } from "../errors.js";
import { sanitiseName } from "../sanitise.js";

/** Fields whose values never reach a log, whoever puts them there. */
const WITHHELD = new Set([
  "body",
  "key",
  "keys",
  "passphrase",
  "payload",
  "secret",
  "secretKey",
  "seed",
  "text",
]);
const MAX_DEPTH = 4;
const MAX_ITEMS = 256;
const MAX_FRAMES = 12;

/** The fields of a record: texts on one line without anything that could deceive or hide. */
export function logRecord(fields: object): Record<string, unknown> {
  return recordAt(fields, 0);
}

/** Why something failed, in a few words: the code, and the sentence if it is one of ours. */
export function failureRecord(thrown: unknown): {
  readonly code: string;
  readonly reason?: string;
} {
  const error = toUdpchatError(thrown);
  return { code: error.code, ...(isOurOwn(error) ? { reason: error.message } : {}) };
}

function recordAt(fields: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).slice(0, MAX_ITEMS);
  return Object.fromEntries(
    entries.map(([name, value]) => [
      sanitiseName(name),
      isWithheld(name, value) ? "(withheld)" : valueAt(value, depth),
    ]),
  );
}

/** Anything can be thrown, a text as well. */
function isWithheld(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return WITHHELD.has(name) || (name === "err" && !(value instanceof Error));
}

function valueAt(value: unknown, depth: number): unknown {
  if (typeof value === "string") return sanitiseName(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return "(more)";
  if (value instanceof Error) return errorAt(value, depth);
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if (value instanceof Date) return value.toJSON();
  if (Array.isArray(value)) {
    return value.slice(0, MAX_ITEMS).map((item: unknown) => valueAt(item, depth + 1));
  }
  return recordAt(value, depth + 1);
}

/**
 * Where it was thrown and of which kind. Not the message of an error that is not ours: Node and
 * V8 write into it what they were given (`Received type string ('...')`, `"..." is not valid
 * JSON`), nor fields that it carries. A system error's is made of the fields that are kept.
 */
function errorAt(error: Error, depth: number): Record<string, unknown> {
  return {
    type: sanitiseName(error.name),
    ...(errnoOf(error) === undefined ? {} : { code: sanitiseName(errnoOf(error) ?? "") }),
    ...systemCall(error),
    ...(isOurOwn(error) ? { message: sanitiseName(error.message) } : {}),
    at: framesOf(error),
    ...(error.cause instanceof Error ? { cause: valueAt(error.cause, depth + 1) } : {}),
  };
}

/** A sentence of ours: INTERNAL ones repeat foreign words, and a peer's fault may its own. */
function isOurOwn(error: Error): boolean {
  return error instanceof UdpchatError && error.code !== "INTERNAL" && error.fault !== "peer";
}

function systemCall(error: Error): { syscall?: string } {
  if (!("syscall" in error) || typeof error.syscall !== "string") return {};
  return { syscall: sanitiseName(error.syscall) };
}

/** The places in the stack, without the message before them, which may have several lines. */
function framesOf({ message, stack = "" }: Error): string[] {
  const start = stack.indexOf(message);
  if (start === -1) return [];
  return stack
    .slice(start + message.length)
    .split("\n")
    .filter((line) => /^ +at .+:\d+:\d+\)?$/.test(line))
    .slice(0, MAX_FRAMES)
    .map(sanitiseName);
}

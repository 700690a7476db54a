/** The reader of Server-Sent Events: what a daemon that is none, or is damaged, may send. */
import { type SseEvent, SseParser } from "../../src/api/sse.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { fromHexDigits, hostileText, toHexDigits } from "./hostileDraws.js";
import { below, chance, mutate, pick } from "./mutate.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

export const eventsTarget: FuzzTarget = {
  name: "events",
  weight: 6,
  lifetimeInputs: 2000,
  open: () => new EventsSubject(),
};

const encoder = new TextEncoder();
const FIELDS = [
  "data",
  "data",
  "data",
  "event",
  "id",
  "retry",
  "",
  "DATA",
  "data\u0000",
  "\ufeffdata",
];
const LINE_ENDS = ["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\r\r", "\n\r", "\r\n\r\n"];
/** What is repeated without an end, and never becomes an event. */
const FLOODS = [
  "x",
  "data:\n",
  "data\r",
  "data: x\n",
  "data:y",
  "event: z\ndata:\r\n",
  "\u00e9",
  ":",
  "id: 1\ndata\n",
];
const FLOOD_CHUNK_BYTES = 65_536;
/** More than an event may have, where a line of eleven bytes counts as one character. */
const FLOOD_BYTES = 24 * 1024 * 1024;

class EventsSubject implements FuzzSubject {
  draw(random: SeededRandom): FuzzInput {
    if (chance(random, 0.0005)) {
      return { kind: "flood", texts: [pick(random, FLOODS)] };
    }
    const text = Array.from({ length: 1 + below(random, 6) }, () => line(random)).join("");
    const bytes = encoder.encode(text);
    const cuts = Array.from({ length: below(random, 4) }, () => below(random, bytes.length + 1));
    return {
      kind: "stream",
      hex: toHexDigits(chance(random, 0.4) ? mutate(random, bytes) : bytes),
      with: { cuts: cuts.join(" "), byBytes: chance(random, 0.05) },
    };
  }

  feed(input: FuzzInput): FuzzVerdict {
    if (input.kind === "flood") return flood(input.texts?.[0] ?? "");
    const bytes = fromHexDigits(input.hex);
    const whole = new SseParser().push(bytes);
    const cuts = input.with?.["byBytes"] === true ? everywhere(bytes) : cutsOf(input, bytes);
    const parser = new SseParser();
    const inParts = partsOf(bytes, cuts).flatMap((part) => parser.push(part));
    if (JSON.stringify(inParts) !== JSON.stringify(whole)) {
      throw new Error(`cut at ${cuts.join(" ")} it says ${JSON.stringify({ whole, inParts })}`);
    }
    for (const event of whole) assertEvent(event);
    return whole.length > 0 ? "accepted" : "refused";
  }

  check(): void {}

  close(): void {}
}

function line(random: SeededRandom): string {
  const value = hostileText(random);
  const space = chance(random, 0.5) ? " " : "";
  return `${pick(random, FIELDS)}${chance(random, 0.9) ? ":" : ""}${space}${value}${pick(random, LINE_ENDS)}`;
}

function cutsOf(input: FuzzInput, bytes: Uint8Array): number[] {
  const cuts = String(input.with?.["cuts"] ?? "")
    .split(" ")
    .map(Number);
  return cuts.filter((cut) => cut <= bytes.length).toSorted((a, b) => a - b);
}

function everywhere(bytes: Uint8Array): number[] {
  return Array.from(bytes.subarray(0, 1000), (_, index) => index);
}

function partsOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  return [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length));
}

function assertEvent({ id, event, data }: SseEvent): void {
  if (event === "") throw new Error("an event without a type");
  if (id.includes("\0")) throw new Error("an id with NUL");
  if (/[\r\n]/.test(id + event) || data.includes("\r"))
    throw new Error("a line end within a field");
}

/** What never ends has to be refused. */
function flood(unit: string): FuzzVerdict {
  if (unit === "") return "refused";
  const chunk = encoder.encode(unit.repeat(Math.ceil(FLOOD_CHUNK_BYTES / unit.length)));
  const parser = new SseParser();
  let fedBytes = 0;
  try {
    for (; fedBytes < FLOOD_BYTES; fedBytes += chunk.length) parser.push(chunk);
  } catch (error) {
    if (error instanceof RangeError) return "refused";
    throw error;
  }
  // Lines that are complete and say nothing are forgotten at once.
  if (!/^(?!data)[^\r\n]*[\r\n]/.test(unit)) throw new Error(`${fedBytes} bytes were kept`);
  return "accepted";
}

/** Bare datagrams from anybody, and every way of what somebody wrote to a terminal. */
import type { MessageLine } from "../../src/api/lines.js";
import { PeoplePrinter } from "../../src/cli/printers/peoplePrinter.js";
import { styleFor } from "../../src/cli/printers/style.js";
import { MAX_PLAIN_BYTES, PlainTextReader, plainBytes } from "../../src/messenger/plainText.js";
import { sanitiseName, sanitiseText, shellWord, toJson } from "../../src/sanitise.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { assertHarmless } from "./harmless.js";
import { fromHexDigits, hostileText, toHexDigits } from "./hostileDraws.js";
import { below, chance, mutate, pick } from "./mutate.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

export const plainTarget: FuzzTarget = {
  name: "plain",
  weight: 10,
  lifetimeInputs: 5000,
  open: () => new PlainSubject(),
};

const encoder = new TextEncoder();
/** A whole bucket of one address comes back in this time. */
const REFILL_MS = 1000;
const SIZES_BYTES = [MAX_PLAIN_BYTES - 1, MAX_PLAIN_BYTES, MAX_PLAIN_BYTES + 1];

class PlainSubject implements FuzzSubject {
  readonly #reader = new PlainTextReader();
  readonly #printed: string[] = [];
  readonly #printer = new PeoplePrinter(async (text) => void this.#printed.push(text), {
    style: styleFor(false, {}),
    tables: false,
  });
  #nowMs = 0;

  draw(random: SeededRandom): FuzzInput {
    const kind = random.uniform();
    if (kind < 0.5) return { kind: "text", texts: [hostileText(random)] };
    if (kind < 0.6) {
      return { kind: "line", texts: [hostileText(random), hostileText(random)] };
    }
    if (kind < 0.602) {
      const filling = pick(random, ["x", "\u00e9", "\u{1F44B}", "\u001b"]);
      const sizeBytes = pick(random, SIZES_BYTES);
      return { kind: "long", texts: [filling], with: { sizeBytes } };
    }
    const noise = chance(random, 0.5);
    const bytes = noise ? random.bytes(below(random, 40)) : encoder.encode(hostileText(random));
    return {
      kind: "datagram",
      hex: toHexDigits(noise || chance(random, 0.3) ? bytes : mutate(random, bytes)),
      with: { address: `10.0.${below(random, 256)}.${below(random, 256)}` },
    };
  }

  feed(input: FuzzInput): FuzzVerdict | Promise<FuzzVerdict> {
    const [text = "", name = ""] = input.texts ?? [];
    switch (input.kind) {
      case "line":
        return this.#print(text, name);
      case "long": {
        const sizeBytes = Number(input.with?.["sizeBytes"] ?? 0);
        const length = Buffer.byteLength(text);
        return length === 0
          ? "refused"
          : this.#read(encoder.encode(text.repeat(sizeBytes / length)));
      }
      case "datagram":
        return this.#read(fromHexDigits(input.hex), String(input.with?.["address"] ?? "10.0.0.1"));
      default:
        assertSanitised(text);
        return "accepted";
    }
  }

  #read(bytes: Uint8Array, address = "10.0.0.1"): FuzzVerdict {
    this.#nowMs += REFILL_MS;
    const droppedBefore = this.#reader.dropped;
    const from = { address, port: 9 };
    const text = this.#reader.read(this.#nowMs, { bytes, from, onLink: true, via: "data" });
    if (text === undefined) {
      if (this.#reader.dropped !== droppedBefore + 1)
        throw new Error("dropped without being counted");
      return "refused";
    }
    if (bytes.length > MAX_PLAIN_BYTES || text === "") throw new Error("read what is no text");
    // Whoever sends the text again sends the same bytes, but for a last newline.
    const again = Buffer.from(plainBytes(text));
    const rest = Buffer.from(bytes).subarray(again.length).toString("latin1");
    const isSame = again.equals(Buffer.from(bytes).subarray(0, again.length));
    if (!isSame || !["", "\n", "\r\n"].includes(rest)) throw new Error("another text was read");
    assertSanitised(text);
    return "accepted";
  }

  async #print(text: string, name: string): Promise<FuzzVerdict> {
    this.#printed.length = 0;
    await this.#printer.line(lineOf(text, name));
    const shown = this.#printed.join("");
    assertHarmless(shown, "a printed line");
    if (shown.endsWith("\n") && shown.length > 1) return "accepted";
    throw new Error(`nothing was printed of ${JSON.stringify({ text, name })}`);
  }

  check(): void {}

  close(): void {}
}

function lineOf(text: string, name: string): MessageLine {
  return {
    type: "message",
    id: null,
    scope: "plain",
    from: { id: null, name, address: "10.0.0.1", port: 9, trust: null },
    group: null,
    text,
    sentAt: null,
    receivedAt: "2026-01-02T03:04:05.000Z",
    verified: false,
    late: false,
  };
}

function assertSanitised(text: string): void {
  const asText = sanitiseText(text);
  assertHarmless(asText, "a text");
  if (sanitiseText(asText) !== asText) throw new Error("a text is changed once more");
  const asName = sanitiseName(text);
  assertHarmless(asName, "a name", []);
  if (sanitiseName(asName) !== asName) throw new Error("a name is changed once more");
  const word = shellWord(text);
  assertHarmless(word, "a word for a shell", []);
  // One word: bare of anything that a shell knows, or in single quotes that nothing inside ends.
  const isOneWord = /^[\w./~+-]+$/.test(word) || /^'(?:[^']|'\\'')*'$/s.test(word);
  if (!isOneWord) throw new Error(`more than one word for a shell: ${word}`);
  const json = toJson({ text });
  assertHarmless(json, "JSON", []);
  const parsed: unknown = JSON.parse(json);
  const back = typeof parsed === "object" && parsed !== null && "text" in parsed ? parsed.text : "";
  if (back !== text) throw new Error("JSON says another text");
}

/** Texts, numbers and JSON that attackers, broken scripts and broken disks hand over. */
import type { SeededRandom } from "../support/seededRandom.js";
import { below, chance, mutate, pick } from "./mutate.js";

/** What terminals obey, what reorders or hides, what is no text. */
const OF_TERMINALS = [
  "\u001b[2J",
  "\u009b31m",
  "\u001b]0;title",
  "\u001b]8;;http://example.org\u0007",
  "\r> ",
  "\b\b\b",
  "\u202eevil\u2066",
  "\u2028* alice left",
  "\u{E0041}\u{E007F}\u{E0101}",
  "\ud83d",
  "\udc00x",
  "\ufeff",
  "a\u0301\u0301\u0301",
  "\u200d\ufe0f",
  "\u0000",
  "\u007f",
  "\uE0000\uE000",
  "\uE00099\uE000",
  "\ufffe0",
];
/** What parsers, shells, SQL and JavaScript itself take for something else. */
const OF_PARSERS = [
  ...["", " ", "\t", "\n", "\r\n", "-", "--", "---", "=", ",", ":", "#", "~", "@", "*", "?"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "prototype", "undefined", "null"],
  ...[
    "$(exit 9)",
    "`exit 9`",
    "${x}",
    "%s%n",
    "%00",
    "%ff",
    "\\",
    "\\u0000",
    "'",
    '"',
    "'x'",
    '"x"',
  ],
  ...["' OR 1=1 --", "x; DROP TABLE messages", '"a" AND', "NEAR(a b)", "a*", "^a", "text:a", "NOT"],
  ...[
    "../../x",
    "/dev/null",
    "//",
    ".",
    "..",
    "CON",
    "[object Object]",
    "{}",
    "[]",
    "true",
    "false",
  ],
];
/** What stands for a number, a time, an address, a peer or a group, or nearly so. */
const OF_VALUES = [
  ...["0", "-0", "-1", "1", "65535", "65536", "4294967296", "9007199254740993", "1e999", "-1e999"],
  ...[
    "NaN",
    "Infinity",
    "0x10",
    "010",
    "1_000",
    "٣",
    "½",
    "1.5",
    ".5",
    "5.",
    "+5",
    "1e3",
    "99999999999999999999",
  ],
  ...["500ms", "2s", "1.5s", "7d", "-2s", "1w", "0d", "999999999999d", "1e3s", "2 s", "S2"],
  ...[
    "2026-01-02T03:04:05Z",
    "2026-02-30",
    "0000-01-01",
    "275760-09-13",
    "-271821-04-20",
    "1970-01-01T00:00:00+99:99",
  ],
  ...["2026-02-30T25:61:61Z", "9999-12-31T23:59:59.999999999Z", "0000-00-00T00:00Z"],
  ...[
    "10.0.0.2",
    "10.0.0.2:22400",
    "10.0.0.2:0",
    "10.0.0.2:99999",
    "010.0.0.2",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
  ],
  ...[
    "255.255.255.255:1",
    "0.0.0.0",
    "224.0.1.100",
    "224.0.1.100:0",
    "224.0.1.100:70000",
    "239.255.255.255",
    "240.0.0.1",
  ],
  ...[
    "::1",
    "[::1]:22400",
    "host.test",
    "host.test:80",
    "host.test:",
    ":80",
    "a".repeat(64),
    "xn--a",
    "localhost.",
  ],
  ...[
    "bob",
    "bob~",
    "bob~0000",
    "BOB",
    "bob ",
    "#ops",
    "#ops:22401",
    "##",
    "#",
    "#two words",
    "#Ops",
    "ops",
  ],
  ...[
    "ab",
    "ff".repeat(32),
    "FF".repeat(32),
    "0".repeat(63),
    "0".repeat(65),
    "12345 67890 12345 67890 12345",
  ],
];
const SMALL = [...OF_TERMINALS, ...OF_PARSERS, ...OF_VALUES];
const LONG_CHARACTERS = [255, 256, 257, 1024, 1025, 65_536, 65_537];

/** A text: mostly one that means something somewhere, alone or joined with others. */
export function hostileText(random: SeededRandom): string {
  const kind = random.uniform();
  if (kind < 0.55) return pick(random, SMALL);
  if (kind < 0.75) {
    return Array.from({ length: 2 + below(random, 4) }, () => pick(random, SMALL)).join("");
  }
  if (kind < 0.76) {
    const filling = pick(random, ["x", "\u0000", "é", "\u{1F44B}", "\u202e", "#", " ", "\ud800"]);
    return filling.repeat(pick(random, LONG_CHARACTERS));
  }
  return Array.from({ length: below(random, 12) }, () => character(random)).join("");
}

function character(random: SeededRandom): string {
  const ranges = [0x80, 0x80, 0x100, 0x3000, 0x1_0000, 0x11_0000];
  return String.fromCodePoint(below(random, pick(random, ranges)));
}

/** JSON that `JSON.stringify` would not write: `1e999`, `-0`, a key twice. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const RAW_NUMBERS = [
  ...[
    "0",
    "-0",
    "-1",
    "0.5",
    "1e999",
    "-1e999",
    "1e-999",
    "9007199254740993",
    "86400001",
    "2147483648",
  ],
  ...["NaN", "Infinity", "01", "+1", "0x1", "1.", "1e", "-"],
];

/** A value of any type, at most `depth` deep. */
function hostileJson(random: SeededRandom, depth = 3): unknown {
  const kind = below(random, depth > 0 ? 8 : 5);
  switch (kind) {
    case 0:
      return null;
    case 1:
      return chance(random, 0.5);
    case 2:
      return new RawJson(pick(random, RAW_NUMBERS));
    case 3:
    case 4:
      return hostileText(random);
    case 5:
      return new RawJson(nested(random));
    case 6:
      return Array.from({ length: below(random, 4) }, () => hostileJson(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: below(random, 4) }, () => [
          hostileText(random),
          hostileJson(random, depth - 1),
        ]),
      );
  }
}

function nested(random: SeededRandom): string {
  const deep = pick(random, [2, 64, 5000]);
  const [open, close] = chance(random, 0.5) ? ["[", "]"] : ['{"a":', "}"];
  return `${open.repeat(deep)}1${close.repeat(deep)}`;
}

/** Writes it as JSON; {@link RawJson} goes in as it is. */
export function writeJson(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${writeJson(item)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}

/**
 * The JSON of an object after some damage: a field of another type, left out, twice or too many;
 * then, now and then, damage to its bytes.
 */
export function damagedJson(
  random: SeededRandom,
  valid: Readonly<Record<string, unknown>>,
  bytesProbability = 0.15,
): Uint8Array {
  const bytes = new TextEncoder().encode(damagedObject(random, valid));
  return chance(random, bytesProbability) ? mutate(random, bytes) : bytes;
}

function damagedObject(random: SeededRandom, valid: Readonly<Record<string, unknown>>): string {
  const keys = Object.keys(valid);
  const kind = random.uniform();
  if (kind < 0.35) return writeJson(valid);
  if (kind < 0.4) return writeJson(hostileJson(random));
  if (kind < 0.45) return writeJson([valid]);
  const changed = new Map(Object.entries(valid));
  for (let steps = 1 + below(random, 2); steps > 0; steps -= 1) {
    const key = keys.length === 0 ? hostileText(random) : pick(random, keys);
    const step = random.uniform();
    if (step < 0.6) changed.set(key, hostileJson(random));
    else if (step < 0.75) changed.delete(key);
    else if (step < 0.9) changed.set(hostileText(random), hostileJson(random));
    else changed.set(key, damagedWithin(random, changed.get(key)));
  }
  const text = writeJson(Object.fromEntries(changed));
  if (keys.length === 0 || chance(random, 0.9)) return text;
  return text.replace(
    "{",
    `{${JSON.stringify(pick(random, keys))}:${writeJson(hostileJson(random))},`,
  );
}

/** One level further down. */
function damagedWithin(random: SeededRandom, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => damagedWithin(random, item));
  if (typeof value !== "object" || value === null) return hostileJson(random);
  const entries: [string, unknown][] = Object.entries(value);
  if (entries.length === 0) return hostileJson(random);
  const at = below(random, entries.length);
  return Object.fromEntries(
    entries.map(([key, item], index) => [key, index === at ? damagedWithin(random, item) : item]),
  );
}

/** Bytes as a kept input has them. */
export function toHexDigits(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** The bytes of a kept input; an odd digit at the end is left out. */
export function fromHexDigits(hex: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(hex ?? "", "hex"));
}

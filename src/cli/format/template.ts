import { UdpchatError } from "../../errors.js";
import { sanitiseName, toJson } from "../../sanitise.js";
import { nearest } from "../nearest.js";
import { oneLine } from "../printers/historyLog.js";
import type { FieldsOfType } from "./fields.js";

/** As it stands, or the value of a field. */
type Part = { readonly literal: string } | { readonly field: string };

const ESCAPED: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  "0": "\0",
  "\\": "\\",
  "{": "{",
  "}": "}",
};

/** An escape, a field, a brace that is neither, or anything else. */
const TOKEN = /\\(.?)|\{([^{}\\]*)\}|([{}])|[^\\{}]+/gsu;

/** How each line is to be printed: `{from.name}: {text}\n`. */
export class Template {
  readonly #parts: readonly Part[];
  /** Of lines that have all fields that it names. */
  readonly #types: ReadonlySet<string>;

  /** @throws UdpchatError INVALID_ARGUMENT, naming the nearest field */
  constructor(text: string, fields: FieldsOfType) {
    if (text === "") throw invalid("it is empty", EXAMPLE);
    this.#parts = [...text.matchAll(TOKEN)].map(partOf);
    const named = this.#parts.flatMap((part) => ("field" in part ? [part.field] : []));
    for (const field of named) assertKnown(field, fields);
    const types = [...fields].filter(([, paths]) => named.every((field) => paths.has(field)));
    this.#types = new Set(types.map(([type]) => type));
    if (types.length > 0) return;
    throw invalid(`no line has ${named.join(" and ")} at once`, "leave one of them out");
  }

  /** Whether it says anything of lines of this type: they have all its fields. */
  fits(type: string): boolean {
    return this.#types.has(type);
  }

  /** Values are on one line each, without anything that could deceive; what is null is empty. */
  render(line: object): string {
    return this.#parts
      .map((part) => ("literal" in part ? part.literal : valueText(part.field, line)))
      .join("");
  }
}

const EXAMPLE = "write it as '{from.name}: {text}'";

function partOf([token, escape, field, brace]: RegExpExecArray): Part {
  if (brace !== undefined) {
    throw invalid(`a ${brace} stands alone`, `write \\${brace} for one that is printed`);
  }
  if (field !== undefined) return { field: field.trim() };
  if (escape === undefined) return { literal: token };
  const literal = ESCAPED[escape];
  if (literal !== undefined) return { literal };
  throw invalid(`\\${escape} is no escape`, "use \\n \\t \\r \\0 \\\\ \\{ or \\}");
}

function assertKnown(field: string, fields: FieldsOfType): void {
  const known = new Set([...fields.values()].flatMap((paths) => [...paths]));
  if (known.has(field)) return;
  const meant = nearest(field, known);
  const all = [...known].toSorted().join(", ");
  const remedy = meant === undefined ? `the fields are ${all}` : `did you mean {${meant}}?`;
  throw invalid(`there is no field {${field}}`, remedy);
}

function invalid(message: string, remedy: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", `--format: ${message}`, { remedy });
}

function valueText(field: string, line: object): string {
  let value: unknown = line;
  for (const key of field.split(".")) {
    if (typeof value !== "object" || value === null) return "";
    value = Reflect.get(value, key);
  }
  if (typeof value === "object" && value !== null) return toJson(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") return "";
  // Blanks at the ends and invisible characters are parts of a text, but not of a name.
  return field === "text" ? oneLine(value) : sanitiseName(value);
}

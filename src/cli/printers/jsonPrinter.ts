import { toJson } from "../../sanitise.js";
import { LinePrinter } from "./linePrinter.js";
import type { Line, Write } from "./printer.js";

/** One JSON object a line. Parsed, texts and names are as the peer sent them. */
export class JsonPrinter extends LinePrinter {
  readonly #write: Write;

  constructor(write: Write) {
    super();
    this.#write = write;
  }

  line(line: Line): Promise<void> {
    return this.#write(`${toJson(line)}\n`);
  }
}

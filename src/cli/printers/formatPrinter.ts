import { sanitiseName } from "../../sanitise.js";
import type { Template } from "../format/template.js";
import type { Output } from "../output.js";
import { LinePrinter } from "./linePrinter.js";
import type { Line } from "./printer.js";

/** Lines as a template says. Those that it does not fit are left out; people are told of warnings. */
export class FormatPrinter extends LinePrinter {
  readonly #template: Template;
  readonly #stdout: Output;
  readonly #stderr: Output;

  constructor(template: Template, stdout: Output, stderr: Output) {
    super();
    this.#template = template;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  async line(line: Line): Promise<void> {
    if (this.#template.fits(line.type)) await this.#stdout.line(this.#template.render(line));
    else if (line.type === "warning" || line.type === "resync") {
      await this.#stderr.line(sanitiseName(`udpchat: ${line.message}`));
    }
  }
}

import type { Paths } from "../store/paths.js";
import type { GlobalArgs } from "./globalOptions.js";
import type { Interruption } from "./interruption.js";
import type { CliIo } from "./io.js";
import type { Output } from "./output.js";
import type { Printer } from "./printers/printer.js";
import type { Settings } from "./settings.js";

/** What a command has to work with. */
export interface CommandContext {
  readonly io: CliIo;
  readonly args: GlobalArgs;
  readonly settings: Settings;
  readonly paths: Paths;
  /** As given; undefined: the platform's own folders. */
  readonly home: string | undefined;
  readonly printer: Printer;
  /** The one for scripts, where that is what the command is for. */
  readonly scriptPrinter: Printer;
  /** Bare text: the printer is for lines of the JSON contract. */
  readonly stdout: Output;
  /** Remarks for people: they are no part of the result. */
  readonly stderr: Output;
  readonly interruption: Interruption;
  /** Aborts when the command is to end. */
  readonly signal: AbortSignal;
}

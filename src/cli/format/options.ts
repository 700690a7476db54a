/** `--format`: lines as the user wants them. */
import { UdpchatError } from "../../errors.js";
import type { CommandContext } from "../context.js";
import type { SpecsOf } from "../options.js";
import type { Formatted } from "./fields.js";

/** As typed. */
export interface FormatArgs {
  readonly format?: string | undefined;
}

/** Its declaration, with a template that fits the command. */
export function formatOptions(example: string): SpecsOf<FormatArgs> {
  return {
    format: {
      type: "string",
      requiresArg: true,
      describe: `Print lines as '${example}'; fields are the keys of --json`,
    },
  };
}

/**
 * The context with a printer that goes by the template, if one was given.
 * @throws UdpchatError INVALID_ARGUMENT
 */
export async function withFormat(
  { format }: FormatArgs,
  command: Formatted,
  context: CommandContext,
): Promise<CommandContext> {
  if (format === undefined) return context;
  if (context.args.json) {
    throw new UdpchatError("INVALID_ARGUMENT", "--format does not go with --json", {
      remedy: "leave one of them out",
    });
  }
  const [{ fieldsOf }, { Template }, { FormatPrinter }] = await Promise.all([
    import("./fields.js"),
    import("./template.js"),
    import("../printers/formatPrinter.js"),
  ]);
  const template = new Template(format, fieldsOf(command));
  const { stderr, stdout } = context;
  return { ...context, printer: new FormatPrinter(template, stdout, stderr) };
}

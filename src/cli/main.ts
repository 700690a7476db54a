import { toUdpchatError, UdpchatError } from "../errors.js";
import { pathsOf } from "../store/paths.js";
import type { Chosen } from "./command.js";
import { COMMANDS } from "./commands/index.js";
import { EXIT, exitCodeOf } from "./exitCodes.js";
import { Interruption } from "./interruption.js";
import type { CliIo } from "./io.js";
import { machineText } from "./machineWords.js";
import { cannotWrite, isBrokenPipe, Output } from "./output.js";
import { plainCommandLine } from "./plainCommandLine.js";
import { JsonPrinter } from "./printers/jsonPrinter.js";
import { PeoplePrinter } from "./printers/peoplePrinter.js";
import type { Printer } from "./printers/printer.js";
import { styleFor } from "./printers/style.js";
import { loadSettings, readFlags } from "./settings.js";
import { packageVersion } from "./version.js";
import { WELCOME } from "./welcome.js";

/** Runs one command line and resolves with its exit code; never rejects. */
export async function main(argv: readonly string[], io: CliIo): Promise<number> {
  const interruption = new Interruption(io);
  const stdout = new Output(io.stdout, (error) => interruption.end(error));
  const stderr = new Output(io.stderr, () => undefined);
  let printer = printerFor(argv.includes("--json"), stdout, io);
  let verbose = argv.includes("--verbose");
  try {
    if (argv.length === 0) {
      await stderr.write(WELCOME);
      return EXIT.usage;
    }
    const chosen =
      (await machineText(argv, io.env)) ??
      plainCommandLine(argv, COMMANDS) ??
      (await anyCommandLine(argv));
    if (typeof chosen === "string") {
      await stdout.write(chosen);
      assertWritten(stdout);
      return EXIT.done;
    }
    const { args } = chosen;
    printer = printerFor(args.json, stdout, io);
    verbose = args.verbose;
    const scriptPrinter = printerFor(true, stdout, io);
    const code = await run(chosen, {
      io,
      printer,
      scriptPrinter,
      stdout,
      stderr,
      interruption,
    });
    if (interruption.interrupted) return EXIT.interrupted;
    assertWritten(stdout);
    return code;
  } catch (thrown) {
    if (interruption.interrupted) return EXIT.interrupted;
    const { failure } = stdout;
    if (isBrokenPipe(failure)) return EXIT.done;
    const error = failure === undefined ? toUdpchatError(thrown) : cannotWrite(failure);
    const { reportError } = await import("./errorReport.js");
    await reportError(error, { stderr, printer, verbose });
    return exitCodeOf(error.code);
  } finally {
    interruption.dispose();
    stdout.dispose();
    stderr.dispose();
  }
}

/** The command, or text to print. */
async function anyCommandLine(argv: readonly string[]): Promise<Chosen | string> {
  const { parseCommandLine } = await import("./commandLine.js");
  const parsed = parseCommandLine(argv, { commands: COMMANDS, version: packageVersion() });
  return parsed.kind === "run" ? parsed.chosen : parsed.text;
}

/** A closed pipe is its reader's right; anything else has lost what was to be read. */
function assertWritten({ failure }: Output): void {
  if (failure !== undefined && !isBrokenPipe(failure)) throw cannotWrite(failure);
}

interface Surroundings {
  readonly io: CliIo;
  readonly printer: Printer;
  readonly scriptPrinter: Printer;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly interruption: Interruption;
}

async function run(
  { args, needsSettings, run }: Chosen,
  surroundings: Surroundings,
): Promise<number> {
  const { io, interruption } = surroundings;
  if (args.home === "") {
    throw new UdpchatError("INVALID_ARGUMENT", "--home is empty", { remedy: "name a folder" });
  }
  const home = args.home ?? io.env["UDPCHAT_HOME"];
  const paths = pathsOf(home);
  const settings = needsSettings
    ? await loadSettings(args, io.env, paths.configFile)
    : readFlags(args);
  return await run({
    ...surroundings,
    args,
    settings,
    paths,
    home: home === "" ? undefined : home,
    signal: interruption.signal,
  });
}

function printerFor(json: boolean, stdout: Output, io: CliIo): Printer {
  const write = (text: string): Promise<void> => stdout.write(text);
  if (json) return new JsonPrinter(write);
  const isTerminal = io.isTTY.stdout;
  return new PeoplePrinter(write, { style: styleFor(isTerminal, io.env), tables: isTerminal });
}

import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { toUdpchatError, UdpchatError } from "../../../errors.js";
import { sanitiseName } from "../../../sanitise.js";
import type { CommandContext } from "../../context.js";

/** Whoever records the group can try all that are shorter, at leisure. */
const SHORT_CHARACTERS = 12;
/** Of the file, which is not read further. */
const MAX_FILE_BYTES = 4096;

/** What the daemon, or the messenger in this process, is told about the key. */
export interface SecretInput {
  readonly secret?: boolean;
  readonly passphrase?: string;
}

/**
 * What the command line and its surroundings say without asking anybody: `--passphrase-file` goes
 * before `UDPCHAT_PASSPHRASE`. Never an argument: everybody on the machine can read those.
 * @throws UdpchatError INVALID_ARGUMENT, INVALID_PASSPHRASE
 */
export async function secretInput(
  { secret, passphraseFile }: { secret: boolean; passphraseFile?: string | undefined },
  context: CommandContext,
): Promise<SecretInput> {
  if (!secret && passphraseFile !== undefined) {
    throw new UdpchatError("INVALID_ARGUMENT", "--passphrase-file goes with --secret alone", {
      remedy: "add --secret",
    });
  }
  if (!secret) return {};
  const passphrase =
    passphraseFile === undefined
      ? context.io.env["UDPCHAT_PASSPHRASE"]
      : await firstLineOf(passphraseFile);
  return passphrase === undefined ? { secret } : await withPassphrase(passphrase, context);
}

/**
 * What else to try after a join that failed: the passphrase that the user types now.
 * @throws what was thrown, if there is nothing to ask or nobody to be asked
 */
export async function askedInput(
  thrown: unknown,
  group: string,
  input: SecretInput,
  context: CommandContext,
): Promise<SecretInput> {
  const isTerminal = context.io.isTTY.stdin && context.io.isTTY.stderr;
  const isMissing =
    input.secret === true &&
    input.passphrase === undefined &&
    toUdpchatError(thrown).code === "INVALID_PASSPHRASE";
  if (!isMissing || !isTerminal) throw thrown;
  return await withPassphrase(await typedPassphrase(group, context), context);
}

async function withPassphrase(
  passphrase: string,
  { stderr }: CommandContext,
): Promise<SecretInput> {
  if (passphrase === "") {
    throw new UdpchatError("INVALID_PASSPHRASE", "the passphrase is empty", {
      remedy: "choose one of several words",
    });
  }
  if (Array.from(passphrase).length < SHORT_CHARACTERS) {
    await stderr.line(
      `udpchat: the passphrase has less than ${SHORT_CHARACTERS} characters: whoever records ` +
        "the group can guess it at leisure",
    );
  }
  return { secret: true, passphrase };
}

async function firstLineOf(path: string): Promise<string> {
  const bytes = Buffer.alloc(MAX_FILE_BYTES);
  let sizeBytes = 0;
  try {
    const file = await open(path, "r");
    try {
      ({ bytesRead: sizeBytes } = await file.read(bytes));
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new UdpchatError("INVALID_ARGUMENT", `cannot read the passphrase file ${path}`, {
      cause,
      remedy: "check its name and permissions",
    });
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, sizeBytes));
    return text.split(/\r?\n/, 1)[0] ?? "";
  } catch (cause) {
    throw new UdpchatError("INVALID_PASSPHRASE", `${path} is not UTF-8 text`, {
      cause,
      remedy: "write the passphrase into its first line",
    });
  }
}

/** One line from the terminal, shown nowhere. Empty if there is none. */
async function typedPassphrase(group: string, context: CommandContext): Promise<string> {
  const { interruption, io, signal, stderr } = context;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: io.stdin,
    output: nowhere,
    terminal: true,
    historySize: 0,
    signal,
  });
  // The terminal is in raw mode: Ctrl-C comes as a key, not as a signal.
  lines.on("SIGINT", () => interruption.interrupt());
  try {
    const typed = new Promise<string>((resolve) => {
      lines.once("line", resolve);
      lines.once("close", () => resolve(""));
    });
    // Only now: what is typed before raw mode, the terminal itself would show.
    await stderr.write(`passphrase of ${sanitiseName(group)}: `);
    return await typed;
  } finally {
    lines.close();
    await stderr.line("");
  }
}

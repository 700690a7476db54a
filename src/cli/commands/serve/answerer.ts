import type { RequestLine } from "../../../api/lines.js";
import { lineEnvironment } from "../../../programs/environment.js";
import { runProgram } from "../../../programs/program.js";

/** The reply, or why there is none, as the one who asked will read it. */
export type Outcome = { readonly text: string } | { readonly error: string };

export interface AnswererOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly timeLimitMs: number;
}

/** What a reply can hold. */
const MAX_REPLY_BYTES = 65_536;
/** Of standard error; its first line becomes the reason. */
const MAX_REASON_BYTES = 1024;
/** Of the reason: it goes to whoever asked. */
const MAX_REASON_LENGTH = 200;

/**
 * Runs the command through the shell for one request: the text on its standard input, the reply
 * from its standard output without the last newline. Never rejects.
 */
export async function runAnswerer(
  command: string,
  request: RequestLine,
  { env, signal, timeLimitMs }: AnswererOptions,
): Promise<Outcome> {
  const reply = new Beginning(MAX_REPLY_BYTES);
  const complaint = new Beginning(MAX_REASON_BYTES);
  const end = await runProgram(
    { shell: command },
    {
      input: request.text,
      env: { ...env, ...lineEnvironment(request) },
      signal,
      timeLimitMs,
      stdout(bytes) {
        reply.add(bytes);
        if (reply.isCut) throw new Error(`the reply has more than ${MAX_REPLY_BYTES} bytes`);
      },
      stderr: (bytes) => complaint.add(bytes),
    },
  );
  if (end.kind === "done") return replyOf(reply.bytes());
  const [said = ""] = complaint.bytes().toString("utf8").trim().split(/\r?\n/, 1);
  if (end.kind === "stopped" || said === "") return { error: end.reason };
  return { error: shortened(said) };
}

/** The first bytes of what is printed; what comes behind them is forgotten. */
class Beginning {
  isCut = false;
  readonly #maxBytes: number;
  /** At most `#maxBytes` in all. */
  readonly #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(bytes: Buffer): void {
    const room = this.#maxBytes - this.#sizeBytes;
    if (bytes.length > room) this.isCut = true;
    if (room <= 0) return;
    this.#chunks.push(bytes.subarray(0, room));
    this.#sizeBytes += Math.min(room, bytes.length);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

function shortened(reason: string): string {
  const characters = Array.from(reason);
  return characters.length <= MAX_REASON_LENGTH
    ? reason
    : `${characters.slice(0, MAX_REASON_LENGTH - 1).join("")}…`;
}

function replyOf(bytes: Buffer): Outcome {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text: text.replace(/\r?\n$/, "") };
  } catch {
    return { error: "the command's output is not UTF-8 text" };
  }
}

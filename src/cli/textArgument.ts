import { UdpchatError } from "../errors.js";
import type { CliIo } from "./io.js";

/** What a message can hold; more is not read. */
const MAX_TEXT_BYTES = 65_536;

/**
 * TEXT as it was typed, or all of standard input for `-`.
 * @throws UdpchatError MESSAGE_TOO_LARGE, INVALID_ARGUMENT
 */
export async function readTextArgument(
  text: string,
  io: CliIo,
  signal: AbortSignal,
): Promise<string> {
  if (text !== "-") return text;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const abort = (): unknown => io.stdin.destroy();
  signal.addEventListener("abort", abort, { once: true });
  try {
    for await (const chunk of io.stdin) {
      const bytes: Uint8Array = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      sizeBytes += bytes.length;
      if (sizeBytes > MAX_TEXT_BYTES) throw tooLarge();
      chunks.push(bytes);
    }
  } finally {
    signal.removeEventListener("abort", abort);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new UdpchatError("INVALID_ARGUMENT", "standard input is not UTF-8 text", {
      cause,
      remedy: "encode it first, for example with base64",
    });
  }
}

function tooLarge(): UdpchatError {
  return new UdpchatError(
    "MESSAGE_TOO_LARGE",
    `standard input has more than ${MAX_TEXT_BYTES} bytes: at most ${MAX_TEXT_BYTES} fit`,
    { remedy: "send it in parts or as a file" },
  );
}

import { UdpchatError } from "../errors.js";
import { MAX_MESSAGE_BYTES } from "../wire/constants.js";
import { encodeUtf8 } from "../wire/cursor.js";

const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The body of a message.
 * @throws UdpchatError MESSAGE_TOO_LARGE
 */
export function messageBody(text: string): Uint8Array {
  const body = encodeUtf8(text);
  if (body.length > MAX_MESSAGE_BYTES) {
    throw new UdpchatError(
      "MESSAGE_TOO_LARGE",
      `the message has ${body.length} bytes: at most ${MAX_MESSAGE_BYTES} fit`,
      { remedy: "send it in parts or as a file" },
    );
  }
  return body;
}

/** The text of a body that was acknowledged and so must be shown: bad UTF-8 becomes U+FFFD. */
export function messageText(body: Uint8Array): string {
  return lenientDecoder.decode(body);
}

/** What a message can hold; of a longer line no more is kept. */
const MAX_LINE_BYTES = 65_536;

const NEWLINE = 0x0a;

/** A line, or why there is none. */
export type TextLine = { readonly text: string } | { readonly error: string };

/** Lines of a byte stream: without their ends, in bounded memory, and UTF-8 or an error. */
export async function* textLines(
  input: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<TextLine, void, undefined> {
  let line = new PartialLine();
  for await (const chunk of input) {
    let rest: Uint8Array = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      line.add(rest.subarray(0, end));
      yield line.read();
      line = new PartialLine();
      rest = rest.subarray(end + 1);
    }
    line.add(rest);
  }
  if (line.sizeBytes > 0) yield line.read();
}

class PartialLine {
  sizeBytes = 0;
  /** At most MAX_LINE_BYTES and a carriage return. */
  #chunks: Uint8Array[] = [];

  add(bytes: Uint8Array): void {
    this.sizeBytes += bytes.length;
    if (this.sizeBytes <= MAX_LINE_BYTES + 1) this.#chunks.push(bytes);
    else this.#chunks = [];
  }

  read(): TextLine {
    let bytes: Uint8Array = Buffer.concat(this.#chunks);
    if (bytes.at(-1) === 0x0d) bytes = bytes.subarray(0, -1);
    if (Math.max(bytes.length, this.sizeBytes - 1) > MAX_LINE_BYTES) {
      return { error: `a line of more than ${MAX_LINE_BYTES} bytes is left out` };
    }
    try {
      const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      return { text: decoder.decode(bytes) };
    } catch {
      return { error: "a line that is not UTF-8 text is left out" };
    }
  }
}

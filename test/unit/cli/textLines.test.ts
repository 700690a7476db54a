import { describe, expect, it } from "vitest";
import { type TextLine, textLines } from "../../../src/cli/textLines.js";

async function linesOf(...chunks: readonly (string | Uint8Array)[]): Promise<TextLine[]> {
  async function* input(): AsyncGenerator<string | Uint8Array, void, undefined> {
    yield* chunks;
  }
  const lines: TextLine[] = [];
  for await (const line of textLines(input())) lines.push(line);
  return lines;
}

const TOO_LONG = { error: "a line of more than 65536 bytes is left out" };

describe("textLines", () => {
  it("are what is between the newlines, however it was cut up", async () => {
    const bytes = Buffer.from("one\r\n\nzwölf\nlast");
    const whole = [{ text: "one" }, { text: "" }, { text: "zwölf" }, { text: "last" }];
    expect(await linesOf(bytes)).toEqual(whole);
    expect(await linesOf(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
    expect(await linesOf()).toEqual([]);
  });

  it("hold at most 65,536 bytes; longer ones are left out, and the next one is read", async () => {
    const longest = "x".repeat(65_536);
    expect(await linesOf(`${longest}\n`, longest, "\r\n")).toEqual([
      { text: longest },
      { text: longest },
    ]);
    expect(await linesOf(longest, "x\nshort\n")).toEqual([TOO_LONG, { text: "short" }]);
    expect(await linesOf(longest, longest, "x\r\nshort")).toEqual([TOO_LONG, { text: "short" }]);
  });

  it("are UTF-8", async () => {
    expect(await linesOf(Uint8Array.of(0xff, 0x0a, 0x61))).toEqual([
      { error: "a line that is not UTF-8 text is left out" },
      { text: "a" },
    ]);
  });
});

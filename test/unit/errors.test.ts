import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { errnoOf, isErrorCode, toUdpchatError, UdpchatError } from "../../src/errors.js";

const SOURCE = fileURLToPath(new URL("../../src/", import.meta.url));
/** What can stand behind a colon. */
const CLAUSE = /^[a-z].*[^.]$/;

describe("UdpchatError", () => {
  it.each([
    ["INVALID_PORT", "usage"],
    ["TIMEOUT", "weather"],
    ["REFUSED", "peer"],
    ["INTERNAL", "ours"],
  ] as const)("%s is the fault of: %s", (code, fault) => {
    expect(new UdpchatError(code, "x").fault).toBe(fault);
  });

  it("keeps its remedy and its cause; without one it has what its code advises", () => {
    const cause = new Error("underneath");
    const error = new UdpchatError("PORT_IN_USE", "taken", { remedy: "choose another", cause });
    expect(error).toMatchObject({ code: "PORT_IN_USE", message: "taken", cause });
    expect(error.remedy).toBe("choose another");
    const bare = new UdpchatError("TIMEOUT", "late");
    expect(bare.remedy).toBe("wait longer with --timeout");
    expect(Object.hasOwn(bare, "cause")).toBe(false);
  });

  it("is an Error with its own name", () => {
    const error = new UdpchatError("TIMEOUT", "late");
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe("UdpchatError: late");
  });
});

/** Where errors are made: everything between the brackets. */
function constructions(code: string): string[] {
  return Array.from(code.matchAll(/new UdpchatError\(/g), ({ index, 0: { length } }) => {
    const rest = code.slice(index + length);
    let depth = 1;
    const end = Array.from(rest).findIndex((character) => {
      if (character === "(") depth += 1;
      if (character === ")") depth -= 1;
      return depth === 0;
    });
    return rest.slice(0, end);
  });
}

const made = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .flatMap((name) => constructions(readFileSync(join(SOURCE, name), "utf8")));

describe("every error in the source", () => {
  it("was found", () => {
    expect(made.length).toBeGreaterThan(100);
  });

  it("has a code that advises something", () => {
    const codes = new Set(made.flatMap((text) => /^\s*"([A-Z_]+)"/.exec(text)?.slice(1) ?? []));
    expect(codes.size).toBeGreaterThan(30);
    for (const code of codes) {
      expect(isErrorCode(code), code).toBe(true);
      if (isErrorCode(code)) expect(new UdpchatError(code, "x").remedy, code).toMatch(CLAUSE);
    }
  });

  it("says what went wrong and what to do in clauses that make one sentence", () => {
    for (const text of made) {
      const [, said = "x"] = /^\s*"[A-Z_]+",\s*[`"]([^`"]*)[`"]/.exec(text) ?? [];
      expect(said, text).not.toMatch(/^[A-Z][a-z]|[.:]$/);
      const [, advised = "x"] = /remedy:\s*[`"]([^`"]*)[`"]/.exec(text) ?? [];
      expect(advised, text).toMatch(/\S/);
      expect(advised, text).not.toMatch(/^[A-Z][a-z]|[.:]$/);
    }
  });
});

describe("isErrorCode", () => {
  it("knows the codes, and no property of every object", () => {
    expect(isErrorCode("TIMEOUT")).toBe(true);
    expect(isErrorCode("timeout")).toBe(false);
    expect(isErrorCode("toString")).toBe(false);
    expect(isErrorCode("__proto__")).toBe(false);
  });
});

describe("errnoOf", () => {
  it("reads the code of a system error", () => {
    expect(errnoOf(Object.assign(new Error("x"), { code: "EADDRINUSE" }))).toBe("EADDRINUSE");
  });

  it("is undefined for anything else", () => {
    for (const thrown of [new Error("x"), { code: "EPERM" }, "EPERM", null, undefined]) {
      expect(errnoOf(thrown)).toBeUndefined();
    }
    expect(errnoOf(Object.assign(new Error("x"), { code: 7 }))).toBeUndefined();
  });
});

describe("toUdpchatError", () => {
  it.each(["ADDON_NOT_FOUND", "ERR_DLOPEN_FAILED"])("explains %s", (code) => {
    const cause = Object.assign(new Error("Cannot find addon '.'\nCandidates:"), { code });
    expect(toUdpchatError(cause)).toMatchObject({
      code: "NO_CRYPTO",
      message: `sodium-native cannot be loaded on ${process.platform}-${process.arch}`,
      cause,
    });
  });

  it("passes ours through unchanged", () => {
    const error = new UdpchatError("NOBODY", "nobody");
    expect(toUdpchatError(error)).toBe(error);
  });

  it("wraps everything else as INTERNAL and keeps it as the cause", () => {
    const thrown = new TypeError("x is not a function");
    expect(toUdpchatError(thrown)).toMatchObject({
      code: "INTERNAL",
      message: "x is not a function",
      cause: thrown,
    });
    expect(toUdpchatError("a string")).toMatchObject({ code: "INTERNAL", message: "a string" });
  });
});

import { describe, expect, it } from "vitest";
import { errnoOf, isErrorCode, toUdpchatError, UdpchatError } from "../../src/errors.js";

describe("UdpchatError", () => {
  it.each([
    ["INVALID_PORT", "usage"],
    ["TIMEOUT", "weather"],
    ["REFUSED", "peer"],
    ["INTERNAL", "ours"],
  ] as const)("%s is the fault of: %s", (code, fault) => {
    expect(new UdpchatError(code, "x").fault).toBe(fault);
  });

  it("keeps its remedy and its cause, and has neither unless given", () => {
    const cause = new Error("underneath");
    const error = new UdpchatError("PORT_IN_USE", "taken", { remedy: "choose another", cause });
    expect(error).toMatchObject({ code: "PORT_IN_USE", message: "taken", cause });
    expect(error.remedy).toBe("choose another");
    const bare = new UdpchatError("TIMEOUT", "late");
    expect(bare.remedy).toBeUndefined();
    expect(Object.hasOwn(bare, "cause")).toBe(false);
  });

  it("is an Error with its own name", () => {
    const error = new UdpchatError("TIMEOUT", "late");
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe("UdpchatError: late");
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

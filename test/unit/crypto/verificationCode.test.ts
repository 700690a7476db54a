import { describe, expect, it } from "vitest";
import { identityFromSeed } from "../../../src/crypto/identity.js";
import { isCode, isSameCode, verificationCode } from "../../../src/crypto/verificationCode.js";

const device = (byte: number) => identityFromSeed(new Uint8Array(32).fill(byte)).device;
const [alice, bob, carol] = [device(1), device(2), device(3)];

describe("the verification code", () => {
  it("is fixed for two keys: version 1", async () => {
    expect(await verificationCode(alice, bob)).toBe("57919 50818 42115 34721 84292");
    expect(await verificationCode("00".repeat(32), "ff".repeat(32))).toBe(
      "78004 84517 00884 00810 42975",
    );
  });

  it("is the same on both sides, and another one for every other pair", async () => {
    const code = await verificationCode(alice, bob);
    expect(await verificationCode(bob, alice)).toBe(code);
    const others = [
      await verificationCode(alice, carol),
      await verificationCode(carol, bob),
      await verificationCode(alice, alice),
    ];
    for (const other of others) expect(isSameCode(code, other)).toBe(false);
    expect(code).toMatch(/^\d{5}( \d{5}){4}$/);
  });

  it("does not block the event loop", async () => {
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 1);
    await verificationCode(alice, carol);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(1);
  });

  it("is compared without its spaces", () => {
    const code = "01234 56789 01234 56789 01234";
    expect(isSameCode(code, "0123456789012345678901234")).toBe(true);
    expect(isSameCode(code, " 01234-56789 01234\t56789 01234 ")).toBe(true);
    expect(isSameCode(code, "11234 56789 01234 56789 01234")).toBe(false);
  });

  it.each([
    ["01234 56789 01234 56789 01234", true],
    ["0123456789012345678901234", true],
    ["0123456789", false],
    ["01234 56789 01234 56789 01234 5", false],
    ["01234 56789 01234 56789 0123x", false],
    ["", false],
  ])("%j is one: %s", (text, expected) => {
    expect(isCode(text)).toBe(expected);
  });
});

import { describe, expect, it } from "vitest";
import { parseGroupName } from "../../../../src/core/groups/groupName.js";
import { blake2b } from "../../../../src/crypto/hash.js";
import { UdpchatError } from "../../../../src/errors.js";
import { toHex } from "../../../../src/wire/cursor.js";

const parse = (text: string) => parseGroupName(text, 22401);

describe("parseGroupName", () => {
  it("reads addresses, with the discovery port unless another one is named", () => {
    expect(parse("224.0.1.100")).toEqual({
      groupId: toHex(blake2b("udpchat group 1\n224.0.1.100", 32)).slice(0, 16),
      label: "224.0.1.100",
      address: "224.0.1.100",
      port: 22401,
      explicitPort: false,
      secret: false,
    });
    expect(parse("224.0.1.100:22401")).toEqual(parse("224.0.1.100"));
    const other = parse("224.0.1.100:8000");
    expect(other).toMatchObject({ label: "224.0.1.100:8000", port: 8000, explicitPort: true });
    expect(other.groupId).not.toBe(parse("224.0.1.100").groupId);
    expect(parse("239.255.255.255").address).toBe("239.255.255.255");
  });

  it("hashes names into 239.192.0.0/14, the same for every spelling", () => {
    const ops = parse("#ops");
    expect(ops).toMatchObject({ label: "#ops", port: 22401, explicitPort: false });
    expect(ops.address).toMatch(/^239\.19[2-5]\.\d+\.\d+$/);
    expect(parse("#OPS")).toEqual(ops);
    expect(parse("#caf\u00e9")).toEqual(parse("#CAFE\u0301"));
    const addresses = new Set(Array.from({ length: 50 }, (_, i) => parse(`#room${i}`).address));
    expect(addresses.size).toBe(50);
  });

  it.each([
    "",
    "#",
    "ops",
    "#two words",
    "#tab\t",
    "#bell\u0007",
    "#\ud800",
    "#\u202eabc",
    `#${"x".repeat(65)}`,
    `#${"é".repeat(33)}`,
    "10.0.0.1",
    "240.0.0.1",
    "223.255.255.255",
    "224.0.0.1",
    "224.0.0.251:5353",
    "224.0.1",
    "224.0.1.100.1",
    "224.00.1.100",
    "224.0.1.0100",
    "224.0.1.256",
    "224.0.1.100:",
    "224.0.1.100:0",
    "224.0.1.100:080",
    "224.0.1.100:65536",
    " 224.0.1.100",
    "224.0.1.100 ",
    "0xe0.0.1.100",
    "224.0.1.100\n",
  ])("refuses %j and says what to do", (text) => {
    let thrown: unknown;
    try {
      parse(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UdpchatError);
    expect(thrown).toMatchObject({ code: "INVALID_GROUP", remedy: expect.stringMatching(/\w{3}/) });
  });

  it("tells a secret group from the open one with the same label", () => {
    const open = parse("#ops");
    const secret = parseGroupName("#OPS", 22401, { secret: true });
    const hash = toHex(blake2b("udpchat secret group 1\n#ops", 32));
    expect(secret).toMatchObject({ label: "#ops", groupId: hash.slice(0, 16), secret: true });
    const [a = 0, b, c] = Buffer.from(hash, "hex").subarray(8);
    expect(secret.address).toBe(`239.${192 + (a & 3)}.${b}.${c}`);
    expect(secret.groupId).not.toBe(open.groupId);
    const addressed = parseGroupName("224.0.1.100", 22401, { secret: true });
    expect(addressed).toMatchObject({ address: "224.0.1.100", port: 22401 });
    expect(addressed.groupId).not.toBe(parse("224.0.1.100").groupId);
  });

  it("takes the longest name", () => {
    expect(parse(`#${"x".repeat(64)}`).label).toHaveLength(65);
  });
});

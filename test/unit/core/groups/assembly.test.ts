import { describe, expect, it } from "vitest";
import { Archive } from "../../../../src/core/groups/archive.js";
import { completedBy } from "../../../../src/core/groups/assembly.js";
import { Outputs } from "../../../../src/core/io.js";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.js";
import { decodeUtf8, encodeUtf8 } from "../../../../src/wire/cursor.js";
import { decodeGroupData, encodeGroupData, type GroupEntry } from "../../../../src/wire/group.js";
import { withSignature } from "../../../../src/wire/header.js";
import { KeptLog } from "../../../support/keptLog.js";

const AUTHOR = { device: "a1".repeat(32), incarnation: "01".repeat(8) };
const GROUP_ID = "aa".repeat(8);

/** A whole line, or a piece: "line", "begin>", ">middle>", ">end". */
function entry(text: string, messageSequence = 1): GroupEntry {
  return {
    messageSequence,
    sentAtMs: 5,
    hlc: 7,
    continued: text.startsWith(">"),
    continues: text.endsWith(">"),
    body: encodeUtf8(text.replaceAll(">", "")),
  };
}

function author() {
  const log = new KeptLog();
  const outputs = new Outputs();
  const archive = new Archive({ outputs, limits: DEFAULT_LIMITS }, log, GROUP_ID);
  let malformed = 0;
  return {
    /** The texts that are whole by it. */
    keep: (sequence: number, ...entries: GroupEntry[]): string[] => {
      const unsigned = encodeGroupData({
        groupId: GROUP_ID,
        ...AUTHOR,
        sequence,
        name: "a",
        entries,
      });
      const bytes = withSignature(unsigned, new Uint8Array(64));
      archive.keep(AUTHOR, 7, { sequence, bytes, keyId: undefined });
      const count = () => {
        malformed += 1;
      };
      return completedBy(archive, decodeGroupData(bytes), count).map(({ body }) =>
        decodeUtf8(body),
      );
    },
    malformed: () => malformed,
  };
}

describe("messages that span datagrams", () => {
  it("do not go on through a datagram that another one begins in", () => {
    const { keep, malformed } = author();
    expect(keep(2, entry(">b>", 1), entry("d>", 2))).toEqual([]);
    expect(malformed()).toBe(1);
    expect(keep(3, entry(">c", 1))).toEqual([]);
    expect(keep(1, entry("a>", 1))).toEqual([]);
  });

  it("are whole when the last piece is kept, in any order, beside whole lines", () => {
    const { keep, malformed } = author();
    expect(keep(3, entry(">c", 2), entry("d", 3))).toEqual(["d"]);
    expect(keep(1, entry("a"), entry("b>", 2))).toEqual(["a"]);
    expect(keep(2, entry(">-", 2))).toEqual(["b-"]); // what 3 goes on with is nowhere
    expect(malformed()).toBe(0);
    const other = author();
    expect(other.keep(3, entry(">c", 2), entry("d", 3))).toEqual(["d"]);
    expect(other.keep(1, entry("a"), entry("b>", 2))).toEqual(["a"]);
    expect(other.keep(2, entry(">->", 2))).toEqual(["b-c"]);
  });

  it("have pieces of one message alone", () => {
    const { keep, malformed } = author();
    keep(1, entry("b>", 2));
    expect(keep(2, entry(">e", 3))).toEqual([]);
    expect(malformed()).toBe(1);
  });

  it("continue at the end of a datagram and go on at the beginning of one, and not with nothing", () => {
    for (const entries of [
      [entry("b>", 2), entry("x", 3)],
      [entry("x", 3), entry(">b", 2)],
      [entry("x", 3), entry(">", 2)],
    ]) {
      const { keep, malformed } = author();
      expect(keep(1, ...entries)).toEqual(["x"]);
      expect(malformed()).toBe(1);
    }
  });

  it("have at most 65,536 bytes, and 256 datagrams", () => {
    const long = author();
    const piece = "x".repeat(1000);
    for (let at = 1; at <= 65; at += 1) long.keep(at, entry(at === 1 ? `${piece}>` : `>${piece}>`));
    expect(long.keep(66, entry(`>${"y".repeat(537)}`))).toEqual([]);
    expect(long.malformed()).toBe(1);
    const fits = author();
    for (let at = 1; at <= 65; at += 1) fits.keep(at, entry(at === 1 ? `${piece}>` : `>${piece}>`));
    expect(fits.keep(66, entry(`>${"y".repeat(536)}`))[0]).toHaveLength(65_536);
    const thin = author();
    for (let at = 1; at <= 256; at += 1) thin.keep(at, entry(at === 1 ? "z>" : ">z>"));
    expect(thin.keep(257, entry(">z"))).toEqual([]);
    const thick = author();
    for (let at = 1; at <= 255; at += 1) thick.keep(at, entry(at === 1 ? "z>" : ">z>"));
    expect(thick.keep(256, entry(">z"))[0]).toHaveLength(256);
  });
});

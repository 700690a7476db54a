import { describe, expect, it } from "vitest";
import { HEADER_BYTES, MIN_QUERY_BYTES, SIGNATURE_BYTES } from "../../../src/wire/constants.js";
import { withSignature } from "../../../src/wire/header.js";
import {
  type Beacon,
  type BeaconGroup,
  decodeBeacon,
  decodeLeave,
  decodeQuery,
  encodeAnswer,
  encodeBeacon,
  encodeLeave,
  encodeQuery,
  type Query,
} from "../../../src/wire/presence.js";
import { extension } from "./datagrams.js";
import { expectMalformed } from "./malformed.js";

const filler = new Uint8Array(SIGNATURE_BYTES);
const beacon: Beacon = {
  device: "11".repeat(32),
  incarnation: "22".repeat(8),
  sequence: 5,
  startedAtMs: 1_700_000_000_000,
  intervalMs: 10_000,
  dataPort: 22_400,
  groups: [],
  name: "alice",
};
const query: Query = {
  nonce: "33".repeat(8),
  incarnation: "22".repeat(8),
  dataPort: 22_400,
  direct: false,
  peersKnown: 3,
  known: new Uint8Array(0),
};

/** Offset of the name's length byte: header, key, incarnation, three numbers, port, no groups. */
const NAME_AT = HEADER_BYTES + 32 + 8 + 8 + 8 + 4 + 2 + 1;

function groups(count: number): BeaconGroup[] {
  return Array.from({ length: count }, (_, i) => {
    return { groupId: `0${i.toString(16)}`.repeat(8), digest: "44".repeat(8) };
  });
}

describe("beacon", () => {
  it("is within its budget of 246 bytes with two groups, and takes twelve at most", () => {
    const two = encodeBeacon({ ...beacon, groups: groups(2), name: "n".repeat(32) });
    expect(withSignature(two, filler).length).toBeLessThanOrEqual(246);
    const most = withSignature(encodeBeacon({ ...beacon, groups: groups(12) }), filler);
    expect(decodeBeacon(most).groups).toEqual(groups(12));
    const tooMany = withSignature(encodeBeacon({ ...beacon, groups: groups(13) }), filler);
    expectMalformed(() => decodeBeacon(tooMany), "groups");
  });

  it("accepts 32 bytes of name and refuses 33", () => {
    const name = "é".repeat(16);
    expect(decodeBeacon(withSignature(encodeBeacon({ ...beacon, name }), filler)).name).toBe(name);
    const tooLong = encodeBeacon({ ...beacon, name: `${name}x` });
    expectMalformed(() => decodeBeacon(withSignature(tooLong, filler)), "name");
  });

  it("refuses a name that is not UTF-8", () => {
    const bytes = encodeBeacon(beacon);
    bytes[NAME_AT + 1] = 0xff;
    expectMalformed(() => decodeBeacon(withSignature(bytes, filler)), "UTF-8");
  });

  it("skips extensions, whole ones only", () => {
    const body = encodeBeacon(beacon).subarray(0, -1);
    for (const countBytes of [0, 1, 255]) {
      const extended = Uint8Array.of(...body, ...extension(countBytes));
      expect(decodeBeacon(withSignature(extended, filler))).toEqual(beacon);
      const cut = extended.subarray(0, -1);
      expectMalformed(() => decodeBeacon(withSignature(cut, filler)), "truncated");
      const more = Uint8Array.of(...extended, 0);
      expectMalformed(() => decodeBeacon(withSignature(more, filler)), "trailing");
    }
  });

  it("refuses port 0", () => {
    const noPort = encodeBeacon({ ...beacon, dataPort: 0 });
    expectMalformed(() => decodeBeacon(withSignature(noPort, filler)), "port");
  });
});

describe("leave", () => {
  it("refuses trailing bytes", () => {
    const leave = encodeLeave({ ...beacon, sequence: 9 });
    expect(decodeLeave(withSignature(leave, filler)).sequence).toBe(9);
    const longer = withSignature(Uint8Array.of(...leave, 0), filler);
    expectMalformed(() => decodeLeave(longer), "trailing");
  });
});

describe("query", () => {
  it("is padded, and refused if it is not", () => {
    const bytes = encodeQuery(query);
    expect(bytes).toHaveLength(MIN_QUERY_BYTES);
    expectMalformed(() => decodeQuery(bytes.subarray(0, -1)), "padded");
  });

  it("accepts a Bloom filter of 512 bytes and refuses 513", () => {
    expect(decodeQuery(encodeQuery({ ...query, known: new Uint8Array(512) })).known.length).toBe(
      512,
    );
    const tooLarge = encodeQuery({ ...query, known: new Uint8Array(513) });
    expectMalformed(() => decodeQuery(tooLarge), "Bloom");
  });

  it("refuses a Bloom filter longer than the datagram", () => {
    const bytes = encodeQuery(query);
    bytes[HEADER_BYTES + 8 + 8 + 2 + 1 + 2] = 1;
    expectMalformed(() => decodeQuery(bytes), "truncated");
  });

  it("says at most 65535 peers known", () => {
    expect(decodeQuery(encodeQuery({ ...query, peersKnown: 1e6 })).peersKnown).toBe(0xffff);
  });

  it("ignores flags it does not know", () => {
    const bytes = encodeQuery({ ...query, direct: true });
    bytes[HEADER_BYTES + 8 + 8 + 2] = 0xff;
    expect(decodeQuery(bytes).direct).toBe(true);
    bytes[HEADER_BYTES + 8 + 8 + 2] = 0xfe;
    expect(decodeQuery(bytes).direct).toBe(false);
  });

  it("allows at most three times its own length in answer", () => {
    const longest = { ...beacon, groups: groups(12), name: "n".repeat(32) };
    const answer = { nonce: query.nonce, heldUs: 0, announces: true, beacon: longest };
    const answerBytes = withSignature(encodeAnswer(answer), filler).length;
    expect(answerBytes).toBeLessThanOrEqual(3 * MIN_QUERY_BYTES);
  });

  it("refuses port 0", () => {
    expectMalformed(() => decodeQuery(encodeQuery({ ...query, dataPort: 0 })), "port");
  });
});

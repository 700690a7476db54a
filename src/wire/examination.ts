/** What two nodes find out about the way between them. PROTOCOL.md section 5.7. */
import { DatagramType, HEADER_BYTES, MAX_PROBE_BYTES } from "./constants.js";
import { malformed, Reader, Writer } from "./cursor.js";
import { readBody, writeHeader } from "./header.js";

/** The secret of one examination, which its probes are derived from. */
export const EXAMINATION_KEY_BYTES = 16;
/** What a probe is known by. */
export const PROBE_TOKEN_BYTES = 8;
/** header, token. */
export const MIN_PROBE_BYTES = HEADER_BYTES + PROBE_TOKEN_BYTES;
/** Ways in one report: more than version 1 has. */
export const MAX_REPORTED_WAYS = 32;

/** How a probe travels. */
export const ProbeWay = {
  /** A small datagram to the other's data port. */
  unicast: 1,
  /** The same with 1200 bytes, as large as any other datagram of ours. */
  fullUnicast: 2,
  /** The same with 2000 bytes: on Ethernet two fragments. */
  fragments: 3,
  /** To the broadcast address of every subnet. */
  broadcast: 4,
  /** To the group that beacons go to. */
  discoveryGroup: 5,
  /** To 224.0.1.100. */
  defaultGroup: 6,
  /** To 239.192.22.40, which lies where groups with a name do. */
  namedGroup: 7,
} as const;
export type ProbeWayName = keyof typeof ProbeWay;
export type ProbeWayCode = (typeof ProbeWay)[ProbeWayName];

export const ExaminationPurpose = {
  /** Examine the way between us. */
  ask: 1,
  /** Our probes begin, and yours may: or not now. */
  ready: 2,
  /** What of your probes came. */
  report: 3,
} as const;

/** How many different probes of a way were counted. */
export interface HeardWay {
  /** A later version may know others than `ProbeWay`. */
  readonly way: number;
  readonly count: number;
}

/** The body of an examination record. `key`: 32 hexadecimal digits. */
export type Examination =
  | { readonly purpose: typeof ExaminationPurpose.ask; readonly key: string }
  | {
      readonly purpose: typeof ExaminationPurpose.ready;
      readonly key: string;
      /** Too many are running there. */
      readonly busy: boolean;
      /** The sender's wall clock, milliseconds since 1970. */
      readonly clockMs: number;
    }
  | {
      readonly purpose: typeof ExaminationPurpose.report;
      readonly key: string;
      /** At most `MAX_REPORTED_WAYS`. */
      readonly heard: readonly HeardWay[];
    };

export function encodeExamination(examination: Examination): Uint8Array {
  const { purpose, key } = examination;
  const writer = new Writer(1 + EXAMINATION_KEY_BYTES + 9 + 2 * MAX_REPORTED_WAYS)
    .u8(purpose)
    .hex(key);
  if (purpose === ExaminationPurpose.ready) {
    writer.u8(examination.busy ? 1 : 0).varint(examination.clockMs);
  } else if (purpose === ExaminationPurpose.report) {
    writer.u8(examination.heard.length);
    for (const { way, count } of examination.heard) writer.u8(way).u8(count);
  }
  return writer.finish();
}

export function decodeExamination(body: Uint8Array): Examination {
  const reader = new Reader(body);
  const purpose = reader.u8();
  const key = reader.hex(EXAMINATION_KEY_BYTES);
  const examination = readRest(reader, purpose, key);
  reader.end();
  return examination;
}

function readRest(reader: Reader, purpose: number, key: string): Examination {
  switch (purpose) {
    case ExaminationPurpose.ask:
      return { purpose, key };
    case ExaminationPurpose.ready: {
      // Whatever a later version says instead of ready: not now.
      const busy = reader.u8() !== 0;
      return { purpose, key, busy, clockMs: reader.varint() };
    }
    case ExaminationPurpose.report: {
      const count = reader.u8();
      if (count > MAX_REPORTED_WAYS) throw malformed("examination ways");
      const heard = Array.from({ length: count }, () => ({
        way: reader.u8(),
        count: reader.u8(),
      }));
      return { purpose, key, heard };
    }
    default:
      throw malformed("unknown examination");
  }
}

/** A datagram that only has to arrive. */
export interface Probe {
  /** 16 hexadecimal digits. */
  readonly token: string;
  /** Of the whole datagram: `MIN_PROBE_BYTES` to `MAX_PROBE_BYTES`. */
  readonly sizeBytes: number;
}

export function encodeProbe({ token, sizeBytes }: Probe): Uint8Array {
  const writer = writeHeader(new Writer(MAX_PROBE_BYTES), DatagramType.probe).hex(token);
  return writer.zeros(sizeBytes - MIN_PROBE_BYTES).finish();
}

export function decodeProbe(datagram: Uint8Array): Probe {
  const token = readBody(datagram, DatagramType.probe).hex(PROBE_TOKEN_BYTES);
  return { token, sizeBytes: datagram.length };
}

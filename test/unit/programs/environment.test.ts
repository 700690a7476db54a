import { describe, expect, it } from "vitest";
import type { MessageLine, PresenceLine, RequestLine } from "../../../src/api/lines.js";
import { lineEnvironment } from "../../../src/programs/environment.js";

const from = {
  id: "ab",
  name: "eve\u001b[2J\0\n$(x)",
  address: "10.0.0.2",
  port: 22400,
  trust: "known",
} as const;
const message: MessageLine = {
  type: "message",
  id: "12",
  scope: "group",
  from,
  group: "#ops",
  text: "hello",
  sentAt: "2026-01-02T03:04:05.000Z",
  receivedAt: "2026-01-02T03:04:06.000Z",
  verified: true,
  late: false,
};
const request: RequestLine = {
  type: "request",
  id: "13",
  from,
  text: "time?",
  sentAt: "2026-01-02T03:04:05.000Z",
};
const presence: PresenceLine = {
  type: "presence",
  event: "offline",
  group: null,
  peer: from,
  online: 2,
};

describe("the environment of a program", () => {
  it("says all about a message but its text, without anything that deceives", () => {
    expect(lineEnvironment(message)).toEqual({
      UDPCHAT_TYPE: "message",
      UDPCHAT_ID: "12",
      UDPCHAT_SCOPE: "group",
      UDPCHAT_GROUP: "#ops",
      UDPCHAT_FROM_ID: "ab",
      UDPCHAT_FROM_NAME: "eve␛[2J␀␊$(x)",
      UDPCHAT_FROM_ADDRESS: "10.0.0.2:22400",
      UDPCHAT_FROM_TRUST: "known",
      UDPCHAT_SENT_AT: "2026-01-02T03:04:05.000Z",
      UDPCHAT_RECEIVED_AT: "2026-01-02T03:04:06.000Z",
      UDPCHAT_LATE: "false",
      UDPCHAT_EVENT: "",
      UDPCHAT_ONLINE: "",
    });
  });

  it("says what is unknown of plain text with empty words", () => {
    const nobody = { ...from, id: null, name: "", trust: null };
    const plain = { ...message, id: null, group: null, sentAt: null, from: nobody };
    expect(lineEnvironment(plain)).toMatchObject({
      UDPCHAT_ID: "",
      UDPCHAT_GROUP: "",
      UDPCHAT_FROM_ID: "",
      UDPCHAT_FROM_NAME: "",
      UDPCHAT_FROM_TRUST: "",
      UDPCHAT_SENT_AT: "",
    });
  });

  it("has the same variables for everything, so that none is inherited", () => {
    const names = Object.keys(lineEnvironment(message));
    for (const line of [request, presence]) {
      expect(Object.keys(lineEnvironment(line))).toEqual(names);
    }
    expect(lineEnvironment(request)).toMatchObject({ UDPCHAT_TYPE: "request", UDPCHAT_ID: "13" });
    expect(lineEnvironment(presence)).toMatchObject({
      UDPCHAT_TYPE: "presence",
      UDPCHAT_EVENT: "offline",
      UDPCHAT_ONLINE: "2",
      UDPCHAT_FROM_ID: "ab",
    });
  });
});

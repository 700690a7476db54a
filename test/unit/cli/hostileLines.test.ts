/** Every printer and every line, from a peer whose every text is hostile. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import {
  GroupLineSchema,
  HistoryLineSchema,
  InvitationLineSchema,
  type MessageLine,
  MessageLineSchema,
  PeerLineSchema,
} from "../../../src/api/lines.js";
import { OwnLines } from "../../../src/cli/chat/ownLines.js";
import { errorSentence, reportError } from "../../../src/cli/errorReport.js";
import { Output } from "../../../src/cli/output.js";
import { messageText } from "../../../src/cli/printers/conversation.js";
import { JsonPrinter } from "../../../src/cli/printers/jsonPrinter.js";
import { Names } from "../../../src/cli/printers/names.js";
import { PeoplePrinter } from "../../../src/cli/printers/peoplePrinter.js";
import type { Line, Printer } from "../../../src/cli/printers/printer.js";
import { styleFor } from "../../../src/cli/printers/style.js";
import { UdpchatError } from "../../../src/errors.js";
import fc from "../../support/fastCheck.js";
import { hostileValue, lineSchemas } from "../../support/hostileLines.js";
import { anyText, codesOf, isHostile } from "../../support/hostileText.js";
import { textSink } from "../../support/textSink.js";

const NEWLINE = 0x0a;
const TAB = 0x09;

/** What reached the stream and may not, without our own colours. */
function rawControls(text: string): number[] {
  // oxlint-disable-next-line no-control-regex -- that is what is looked for
  const plain = text.replace(/\u001b\[(?:1|22|3[1-69]|90|9[2-6])m/g, "");
  return codesOf(plain).filter((code) => isHostile(code) && code !== NEWLINE && code !== TAB);
}

async function printed(line: Line, printerOf: (write: Write) => Printer): Promise<string> {
  let text = "";
  const printer = printerOf(async (part) => {
    text += part;
  });
  await printer.line(line);
  return text;
}
type Write = (text: string) => Promise<void>;

const people = {
  terminal: (write: Write): Printer =>
    new PeoplePrinter(write, { style: styleFor(true, {}), tables: true }),
  pipe: (write: Write): Printer =>
    new PeoplePrinter(write, { style: styleFor(false, {}), tables: false }),
};
const json = (write: Write): Printer => new JsonPrinter(write);

/** Lines of these types are the texts themselves, which may have several lines. */
const FREE_TEXT = ["reply"];
const isLine = v.custom<Line>((value) => v.is(v.object({ type: v.string() }), value));

describe("the list of lines", () => {
  it("is complete", () => {
    expect([...lineSchemas.keys()]).toEqual(expect.arrayContaining(["message", "peer", "warning"]));
    expect(lineSchemas.size).toBeGreaterThanOrEqual(18);
  });
});

describe.each([...lineSchemas])("a hostile %s line", (type, schema) => {
  const hostile = hostileValue(schema).map((value) => v.parse(isLine, value));

  it.each(Object.entries(people))("is harmless on a %s", async (_where, printerOf) => {
    await fc.assert(
      fc.asyncProperty(hostile, async (line) => {
        const text = await printed(line, printerOf);
        expect(rawControls(text)).toEqual([]);
        if (FREE_TEXT.includes(type)) return;
        // Nobody but us begins a line, but for facts one by one and a head over columns.
        const starts = text.split("\n").slice(1, -1);
        if (type !== "status" && type !== "service" && type !== "peer") {
          expect(starts.filter((start) => !start.startsWith("      "))).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is lossless JSON on one harmless line", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (line) => {
        const text = await printed(line, json);
        expect(codesOf(text.slice(0, -1)).filter(isHostile)).toEqual([]);
        expect(text.endsWith("\n")).toBe(true);
        expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(line));
      }),
      { numRuns: 60 },
    );
  });
});

it("a long name is not cut inside a character, wherever the column ends", async () => {
  for (let length = 0; length < 40; length += 1) {
    const name = `${"x".repeat(length)}${"\u{20000}".repeat(3)}`;
    const peer = { id: "ab".repeat(32), name, address: name, port: 1, trust: "unknown" } as const;
    const line = { type: "peer", ...peer, state: "online", rttMs: 1, via: "query" } as const;
    const text = await printed({ ...line, addresses: [] }, people.terminal);
    expect(rawControls(text), `after ${length}`).toEqual([]);
  }
});

describe("hostile lists", () => {
  const peers = hostileValue(v.array(PeerLineSchema)).map((list) =>
    v.parse(v.array(PeerLineSchema), list),
  );
  const groups = hostileValue(v.array(GroupLineSchema)).map((list) =>
    v.parse(v.array(GroupLineSchema), list),
  );

  it.each(Object.entries(people))("are harmless on a %s", async (where, printerOf) => {
    await fc.assert(
      fc.asyncProperty(peers, groups, async (peerList, groupList) => {
        let text = "";
        const printer = printerOf(async (part) => {
          text += part;
        });
        await printer.peers(peerList);
        await printer.groups(groupList);
        expect(rawControls(text)).toEqual([]);
        const heads =
          where === "pipe" ? 0 : Math.min(1, peerList.length) + Math.min(1, groupList.length);
        expect(text.split("\n")).toHaveLength(heads + peerList.length + groupList.length + 1);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a hostile history", () => {
  const lists = hostileValue(v.array(HistoryLineSchema)).map((list) =>
    v.parse(v.array(HistoryLineSchema), list),
  );

  it.each(Object.entries(people))("is harmless on a %s", async (where, printerOf) => {
    await fc.assert(
      fc.asyncProperty(lists, async (list) => {
        for (const print of ["history", "outbox"] as const) {
          let text = "";
          const printer = printerOf(async (part) => {
            text += part;
          });
          await printer[print](list);
          expect(rawControls(text)).toEqual([]);
          // Indented are the further lines of a text; all others are ours, one for each message.
          const ours = text.split("\n").filter((line) => line !== "" && !line.startsWith("      "));
          const heads = where === "pipe" ? 0 : Math.min(1, list.length);
          // But an id that is empty, which none is, leaves a row of the outbox indented.
          if (print === "history") expect(ours).toHaveLength(heads + list.length);
          else expect(ours.length).toBeLessThanOrEqual(heads + list.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("a peer that is called as we are, is in quotes", async () => {
    const [sample] = fc.sample(hostileValue(HistoryLineSchema), 1);
    const line = v.parse(HistoryLineSchema, sample);
    const from = { ...line.from, id: "ab".repeat(32), trust: "known" } as const;
    for (const name of ["you", "YOU", "ｙｏｕ"]) {
      const shown = { ...line, scope: "direct", group: null, own: false, to: null } as const;
      const text = await printed({ ...shown, from: { ...from, name } }, people.pipe);
      expect(text).toContain(` "${name}" -> you `);
    }
  });
});

describe("what one peer can make of another's name or line", () => {
  const from = { id: "ab".repeat(32), name: "mallory", address: "10.0.0.6", port: 22400 };
  const [sample] = fc.sample(hostileValue(MessageLineSchema), 1);
  const anyMessage = v.parse(MessageLineSchema, sample);
  const message = (text: string, name: string): MessageLine => ({
    ...anyMessage,
    scope: "direct",
    group: null,
    from: { ...anyMessage.from, ...from, name },
    text,
  });
  const shown = async (text: string, name = "mallory"): Promise<string> =>
    await printed(message(text, name), people["pipe"] ?? json);

  it("indents every further line of a text", async () => {
    for (const text of ["x\nalice: hi", "x\r\n12:00 alice: hi", "x\n\n* alice left", "x\n> "]) {
      const [, ...further] = (await shown(text)).trimEnd().split("\n");
      for (const line of further) expect(line).toMatch(/^ {6}|^$/);
    }
    expect(await shown("x\u2028alice: hi\valice: hi\u0085alice: hi")).toMatch(/^.*x<U\+2028>.*\n$/);
  });

  it.each(["alice: hi", "alice~ab12", "alice (plain, unverified)", "deadbeef", "10.0.0.2", "a  b"])(
    "quotes the name %s",
    async (name) => {
      expect(await shown("hello", name)).toContain(` "${name}"`);
    },
  );

  it("tells namesakes apart, also those that only look the same or tried many keys", async () => {
    const ids = ["abcd1111", "abcd2222", "ef"].map((start) => start.padEnd(64, "0"));
    const names = new Names();
    const called = ["alice", "ALICE", "al\u200bice"].map((name, index) => ({
      ...message("", name).from,
      id: ids[index] ?? "",
    }));
    names.learn(called);
    expect(called.map((peer) => names.of(peer))).toEqual([
      "alice~abcd1111",
      "ALICE~abcd2222",
      '"al<U+200B>ice"~ef00',
    ]);
  });

  it("puts no command of its own into the one that an invitation shows", async () => {
    const [sampled] = fc.sample(hostileValue(InvitationLineSchema), 1);
    const invitation = v.parse(InvitationLineSchema, sampled);
    const line = { ...invitation, group: "#x';reboot;'" };
    const text = await printed(line, people["pipe"] ?? json);
    expect(text).toContain("udpchat join '#x'\\'';reboot;'\\''' --secret");
  });

  it("leaves ordinary names alone", async () => {
    for (const name of ["alice", "Anne-Marie O'Neill", "爱丽丝", "bob_2", "j.doe"]) {
      expect(await shown("hello", name)).toContain(` ${name}`);
      expect(await shown("hello", name)).not.toContain('"');
    }
  });
});

it("a hostile message is harmless in a chat on a terminal, whatever is made of it", () => {
  const messages = hostileValue(MessageLineSchema).map((line) => v.parse(MessageLineSchema, line));
  fc.assert(
    fc.property(messages, fc.boolean(), fc.boolean(), (line, isAction, isMention) => {
      const text = `${isAction ? "/me " : ""}${line.text}`;
      const look = { withActions: true, withGroup: false, isMention };
      const shown = messageText({ ...line, text }, new Names(), styleFor(true, {}), look);
      expect(rawControls(shown)).toEqual([]);
      const further = shown.split("\n").slice(1);
      expect(further.filter((row) => !row.startsWith("      "))).toEqual([]);
      const own = ownText(text);
      expect(rawControls(own)).toEqual([]);
      expect(
        own
          .split("\n")
          .slice(1)
          .filter((row) => !row.startsWith("      ")),
      ).toEqual([]);
    }),
  );
});

/** How a line of ours is shown. */
function ownText(text: string): string {
  let shown = "";
  new OwnLines({
    style: styleFor(true, {}),
    name: "alice",
    dayBefore: () => "",
    print: (entry) => (shown = entry.text()),
    changed: () => true,
  }).print({ text, sentAt: "2026-11-20T12:00:00.000Z" });
  return shown;
}

describe("a hostile error", () => {
  it("is one sentence, and harmless when verbose", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyText, async (message, remedy) => {
        const cause = new Error(message);
        const error = new UdpchatError("HANDLER_FAILED", message, { remedy, cause });
        expect(codesOf(errorSentence(error)).filter(isHostile)).toEqual([]);
        const sink = textSink();
        const stderr = new Output(sink.stream, () => undefined);
        const printer = new JsonPrinter(async () => undefined);
        await reportError(error, { stderr, printer, verbose: true });
        expect(rawControls(sink.text())).toEqual([]);
        for (const line of sink.text().split("\n").slice(2)) {
          expect(line).toMatch(/^ {6}|^cause: |^$/);
        }
      }),
      { numRuns: 60 },
    );
  });
});

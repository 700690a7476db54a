import { beforeEach, describe, expect, it } from "vitest";
import { OwnLines, type PrintedLine } from "../../../../src/cli/chat/ownLines.js";
import type { Entry } from "../../../../src/cli/chat/screen.js";
import { styleFor } from "../../../../src/cli/printers/style.js";

const SENT_AT = new Date(2026, 0, 31, 14, 2).toISOString();

let printed: Entry[];
let reachable: boolean;
let own: OwnLines;
beforeEach(() => {
  printed = [];
  reachable = true;
  own = new OwnLines({
    style: styleFor(false, {}),
    name: "alice",
    dayBefore: () => "",
    print: (entry) => printed.push(entry),
    changed: () => reachable,
  });
});

const shown = (): string[] => printed.map(({ text }) => text());
const say = (text: string): PrintedLine => own.print({ text, sentAt: SENT_AT, state: "sent" });

describe("a line of ours", () => {
  it("shows how far it came, as that changes", () => {
    const line = say("hello");
    expect(shown()).toEqual(["14:02 you: hello (sent)"]);
    line.identify("a1");
    line.become("queued");
    expect(shown()).toEqual(["14:02 you: hello (queued)"]);
    own.told({ id: "a1", status: "delivered" });
    expect(shown()).toEqual(["14:02 you: hello (delivered)"]);
    own.told({ id: "a1", status: "read" });
    expect(shown()).toEqual(["14:02 you: hello (read)"]);
  });

  it("is counted while nobody has it", () => {
    for (const id of ["a1", "a2"]) {
      const line = say("hello");
      line.identify(id);
      line.become("queued");
    }
    own.told({ id: "a2", status: "delivered" });
    expect(own.queued).toBe(1);
  });

  it("does not go back", () => {
    const line = say("hello");
    line.identify("a1");
    own.told({ id: "a1", status: "read" });
    own.told({ id: "a1", status: "delivered" });
    line.become("queued");
    expect(shown()).toEqual(["14:02 you: hello (read)"]);
  });

  it("takes what was told before its id was known", () => {
    const line = say("hello");
    own.told({ id: "a1", status: "read" });
    line.identify("a1");
    line.become("queued");
    expect(shown()).toEqual(["14:02 you: hello (read)"]);
  });

  it("is told of in a line of its own where it cannot be changed", () => {
    const line = say("Lunch at noon? I know a place around the corner\nthat is good");
    line.identify("a1");
    reachable = false;
    own.told({ id: "a1", status: "delivered" });
    expect(shown().slice(1)).toEqual(["* delivered: Lunch at noon? I know a place …"]);
  });

  it("in a group is not told of that it was sent", () => {
    reachable = false;
    own.print({ text: "hello", sentAt: SENT_AT }).become("sent");
    expect(printed).toHaveLength(1);
  });

  it("says what we do, and to whom", () => {
    own.print({ text: "/me waves", sentAt: SENT_AT });
    own.print({ text: "psst", sentAt: SENT_AT, to: "bob", state: "sent" }).become("failed");
    expect(shown()).toEqual(["14:02 * alice waves", "14:02 you -> bob: psst (not said)"]);
  });

  it("is forgotten when a thousand came after it", () => {
    say("first").identify("first");
    for (let number = 0; number < 1000; number += 1) say("x").identify(`${number}`);
    own.told({ id: "first", status: "read" });
    own.told({ id: "0", status: "read" });
    expect(shown().slice(0, 2)).toEqual(["14:02 you: first (sent)", "14:02 you: x (read)"]);
  });

  it("is not taken for a message of another program of ours", () => {
    for (let number = 0; number < 1000; number += 1) own.told({ id: `${number}`, status: "read" });
    expect(printed).toEqual([]);
    say("x").identify("0");
    expect(shown()).toEqual(["14:02 you: x (sent)"]);
  });
});

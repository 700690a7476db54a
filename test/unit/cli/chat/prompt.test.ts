import { emitKeypressEvents } from "node:readline";
import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, it } from "vitest";
import { type Pressed, Prompt } from "../../../../src/cli/chat/prompt.js";

const PASTE = (text: string): string => `\u001b[200~${text}\u001b[201~`;
const LEFT = "\u001b[D";
const UP = "\u001b[A";
const DOWN = "\u001b[B";
const ALT_ENTER = "\u001b\r";

let keyboard: PassThrough;
let prompt: Prompt;
let pressed: Pressed[];
let nowMs: number;
beforeEach(() => {
  keyboard = new PassThrough();
  pressed = [];
  nowMs = 0;
  prompt = new Prompt(
    "> ",
    (before) =>
      before === "al" ? { replaced: 2, text: "alice: ", candidates: ["alice"] } : undefined,
    () => nowMs,
  );
  emitKeypressEvents(keyboard);
  keyboard.on("keypress", (text, key) => {
    const result = prompt.press(text, key);
    if (result.kind !== "nothing") pressed.push(result);
  });
});

/** As a terminal in raw mode sends it. */
async function type(keys: string): Promise<void> {
  keyboard.write(keys);
  await new Promise((resolve) => setImmediate(resolve));
}

describe("the prompt", () => {
  it("says what is typed, and begins anew", async () => {
    await type(`helo${LEFT}l\r`);
    expect(pressed).toEqual([{ kind: "said", text: "hello" }]);
    expect(prompt.draft).toBe("");
  });

  it("says nothing of an empty line", async () => {
    await type("\r \r");
    expect(pressed).toEqual([]);
  });

  it("begins a line with Alt-Enter", async () => {
    await type(`one${ALT_ENTER}two\r`);
    expect(pressed).toEqual([{ kind: "said", text: "one\ntwo" }]);
  });

  it("takes pasted lines for one message, which is said when Enter is pressed", async () => {
    await type(`see: ${PASTE("one\r\ntwo\rthree\n\u001b[31m\u0007\tfour\n")}`);
    expect(pressed).toEqual([]);
    expect(prompt.draft).toBe("see: one\ntwo\nthree\n\tfour");
    await type("\r");
    expect(pressed).toMatchObject([{ kind: "said" }]);
  });

  it("takes nothing of what is pasted for a key", async () => {
    await type(PASTE("one\u0003two\nthree\u0004\u001a\n"));
    expect(pressed).toEqual([]);
    expect(prompt.draft).toBe("onetwo\nthree");
  });

  it("is not caught in a paste that does not end", async () => {
    await type("\u001b[200~abc");
    nowMs += 1000;
    await type("\n.");
    expect(prompt.draft).toBe("");
    nowMs += 1001;
    await type("def");
    expect(prompt.draft).toBe("abc\n.def");
    expect(pressed).toEqual([]);
    await type("\u0003\u0003");
    expect(pressed).toEqual([{ kind: "interrupt" }]);
  });

  it("refuses what is too long, and keeps what was typed", async () => {
    await type(`kept${PASTE("x".repeat(70_000))}`);
    expect(pressed).toEqual([
      { kind: "refused", message: expect.stringContaining("at most 65536 bytes") },
    ]);
    expect(prompt.draft).toBe("kept");
  });

  it("Ctrl-C clears what is typed, which can be fetched back, and interrupts on an empty line", async () => {
    await type("draft\u0003");
    expect([pressed, prompt.draft]).toEqual([[], ""]);
    await type(UP);
    expect(prompt.draft).toBe("draft");
    await type("\u0003\u0003");
    expect(pressed).toEqual([{ kind: "interrupt" }]);
  });

  it("Ctrl-D deletes, and leaves on an empty line", async () => {
    await type(`ab${LEFT}\u0004`);
    expect(prompt.draft).toBe("a");
    await type("\u007f\u0004");
    expect(pressed).toEqual([{ kind: "leave" }]);
  });

  it("Ctrl-Z suspends, Ctrl-L wipes", async () => {
    await type("draft\u001a\u000c");
    expect(pressed).toEqual([{ kind: "suspend" }, { kind: "wipe" }]);
    expect(prompt.draft).toBe("draft");
  });

  it("fetches what was said before, and the draft again", async () => {
    prompt.before.addOlder(["older"]);
    await type(`said\rdraft${UP}${UP}`);
    expect(prompt.draft).toBe("older");
    await type(`${DOWN}${DOWN}`);
    expect(prompt.draft).toBe("draft");
  });

  it("goes from line to line before it fetches", async () => {
    await type(`said\rone${ALT_ENTER}two${UP}${LEFT}!`);
    expect(prompt.draft).toBe("on!e\ntwo");
    await type(UP);
    expect(prompt.draft).toBe("said");
  });

  it("completes", async () => {
    await type("al\t");
    expect(prompt.draft).toBe("alice: ");
    await type("\t");
    expect([prompt.draft, pressed]).toEqual(["alice: ", []]);
  });

  it("takes every editing key, and nothing else for a text", async () => {
    await type("one two three\u0001\u001bf\u001bd\u0005\u0017\u0019\u0008");
    expect(prompt.draft).toBe("one three".slice(0, -1).replace("three", "thre").slice(0, -1) + "e");
    await type("\u0015\u001b[1;5D\u001b[5~\u001bOP\u001b[Z\u0000\u0007\u000b");
    expect([prompt.draft, pressed]).toEqual(["", []]);
  });
});

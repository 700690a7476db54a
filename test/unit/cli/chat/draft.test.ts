import { describe, expect, it } from "vitest";
import { Draft, MAX_DRAFT_BYTES } from "../../../../src/cli/chat/draft.js";
import fc from "../../../support/fastCheck.js";

const FAMILY = "👨‍👩‍👧";

function drafted(text: string, left = 0): Draft {
  const draft = new Draft();
  draft.insert(text);
  for (let moves = 0; moves < left; moves += 1) draft.left();
  return draft;
}

describe("a draft", () => {
  it("grows where the cursor is", () => {
    const draft = drafted("helo", 1);
    draft.insert("l");
    expect([draft.text, draft.before]).toEqual(["hello", "hell"]);
  });

  it.each([FAMILY, "é", "e\u0301", "🇩🇪", "👍🏽", "午", "한", "❤️"])(
    "takes %s for one character, also if it comes in parts",
    (character) => {
      const draft = drafted("ab", 1);
      for (const part of character) draft.insert(part);
      expect(draft.text).toBe(`a${character}b`);
      draft.left();
      expect(draft.before).toBe("a");
      draft.right();
      draft.deleteLeft();
      expect(draft.text).toBe("ab");
    },
  );

  it("moves and cuts by words, and puts back what was cut", () => {
    const draft = drafted("see you at  noon");
    draft.wordLeft();
    expect(draft.before).toBe("see you at  ");
    draft.wordLeft();
    draft.cutWordLeft();
    expect([draft.text, draft.before]).toEqual(["see at  noon", "see "]);
    draft.wordRight();
    expect(draft.before).toBe("see at");
    draft.putBack();
    expect(draft.text).toBe("see atyou   noon");
    draft.lineStart();
    draft.cutWordRight();
    draft.cutToLineEnd();
    expect(draft.text).toBe("");
    draft.putBack();
    expect(draft.text).toBe(" atyou   noon");
    draft.left();
    draft.cutToLineStart();
    expect(draft.text).toBe("n");
    draft.lineStart();
    draft.deleteRight();
    draft.deleteRight();
    expect(draft.isEmpty).toBe(true);
  });

  it("has lines, between which the cursor keeps its column", () => {
    const draft = drafted("first\nxy\nthird");
    expect(draft.lineDown()).toBe(false);
    expect(draft.lineUp()).toBe(true);
    expect(draft.before).toBe("first\nxy");
    expect(draft.lineUp()).toBe(true);
    expect(draft.before).toBe("fi");
    expect(draft.lineUp()).toBe(false);
    expect(draft.before).toBe("fi");
    draft.lineEnd();
    expect(draft.before).toBe("first");
    expect(draft.lineDown()).toBe(true);
    expect(draft.lineDown()).toBe(true);
    expect(draft.before).toBe("first\nxy\nth");
  });

  it("refuses what makes it too long, and stays as it is", () => {
    const draft = drafted("午".repeat(Math.floor(MAX_DRAFT_BYTES / 3)));
    expect(draft.insert("午")).toBe(false);
    expect(draft.insert("x")).toBe(true);
    draft.deleteLeft();
    draft.deleteLeft();
    expect(draft.insert("午")).toBe(true);
    expect(Buffer.byteLength(draft.text)).toBe(MAX_DRAFT_BYTES - 1);
  });

  it("puts a completed word in the place of its beginning", () => {
    const draft = drafted(`hi ${FAMILY} al, bye`, 5);
    draft.replaceBefore(2, "alice");
    expect([draft.text, draft.before]).toEqual([`hi ${FAMILY} alice, bye`, `hi ${FAMILY} alice`]);
  });

  it("is what was put in, whatever that is and wherever the cursor stood", () => {
    const text = fc.string({ unit: "binary", maxLength: 20 });
    fc.assert(
      fc.property(text, text, fc.nat(20), (first, second, left) => {
        const draft = drafted(first, left);
        const { before } = draft;
        draft.insert(second);
        expect(draft.text).toBe(before + second + first.slice(before.length));
        expect(draft.before.startsWith(before + second)).toBe(true);
      }),
    );
  });
});

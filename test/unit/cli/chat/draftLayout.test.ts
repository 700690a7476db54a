import stringWidth from "fast-string-width";
import { describe, expect, it } from "vitest";
import { cellsOf, rowsOf } from "../../../../src/cli/chat/cells.js";
import { layOutDraft } from "../../../../src/cli/chat/draftLayout.js";
import fc from "../../../support/fastCheck.js";
import { anyText, codesOf, isHostile } from "../../../support/hostileText.js";

const layOut = (text: string, columns = 10, maxRows = 100, at = cellsOf(text).length) =>
  layOutDraft({ prompt: "> ", cells: cellsOf(text), at }, { columns, maxRows });

describe("a layout", () => {
  it("has the cursor behind what is typed", () => {
    expect(layOut("hello")).toEqual({
      rows: ["> hello"],
      rowColumns: [7],
      cursorRow: 0,
      cursorColumn: 7,
    });
    expect(layOut("hello", 10, 100, 0)).toMatchObject({ cursorRow: 0, cursorColumn: 2 });
  });

  it("goes on in the next row, with the cursor too", () => {
    expect(layOut("12345678")).toMatchObject({
      rows: ["> 12345678", ""],
      cursorRow: 1,
      cursorColumn: 0,
    });
    expect(layOut("123456789")).toMatchObject({ rows: ["> 12345678", "9"], cursorColumn: 1 });
  });

  it("parts no wide character", () => {
    expect(layOut("1234567午后")).toMatchObject({ rows: ["> 1234567", "午后"], cursorColumn: 4 });
    expect(layOut("1234567午后", 10, 100, 7)).toMatchObject({ cursorRow: 1, cursorColumn: 0 });
    expect(layOut("123456👨‍👩‍👧x")).toMatchObject({ rows: ["> 123456👨‍👩‍👧", "x"] });
  });

  it("indents further lines, so that none looks like a prompt", () => {
    expect(layOut("a\n> b\n")).toMatchObject({
      rows: ["> a", "  > b", "  "],
      cursorRow: 2,
      cursorColumn: 2,
    });
    expect(layOut("a\nb", 10, 100, 1)).toMatchObject({ cursorRow: 0, cursorColumn: 3 });
  });

  it("shows of a long draft what is around the cursor", () => {
    const text = Array.from({ length: 50 }, (_, line) => `line ${line}`).join("\n");
    expect(layOut(text, 20, 3)).toMatchObject({
      rows: ["  line 47", "  line 48", "  line 49"],
      cursorRow: 2,
    });
    expect(layOut(text, 20, 3, 0).rows).toEqual(["> line 0", "  line 1", "  line 2"]);
  });

  it("fits, and moves the cursor by nothing, whatever is typed", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 12, max: 40 }), fc.nat(30), (text, columns, back) => {
        const at = Math.max(0, cellsOf(text).length - back);
        const { cursorColumn, cursorRow, rowColumns, rows } = layOut(text, columns, 8, at);
        expect(rows.length).toBeLessThanOrEqual(8);
        expect(cursorRow).toBeLessThan(rows.length);
        expect(cursorColumn).toBeLessThanOrEqual(columns);
        for (const [index, row] of rows.entries()) {
          expect(codesOf(row).filter(isHostile)).toEqual([]);
          expect(rowColumns[index]).toBeLessThanOrEqual(columns);
        }
      }),
    );
  });
});

describe("the rows of a printed text", () => {
  it.each([
    ["", 1],
    ["1234567890", 1],
    ["12345678901", 2],
    ["a\nb", 2],
    ["午后午后午", 1],
    ["1午后午后午", 2],
    ["123456789午", 2],
    ["\u001b[1m123\u001b[22m4567890", 1],
    ["😀😀😀😀😀", 1],
  ])("%j takes %d of ten columns", (text, rows) => {
    expect(rowsOf(text, 10)).toBe(rows);
  });

  it.each(["👨‍👩‍👧", "❤️", "e\u0301", "🇩🇪", "👍🏽", "กำ", "\t", "नी"])(
    "of %j nobody knows",
    (text) => {
      expect(rowsOf(`x${text}`, 10)).toBe(Number.POSITIVE_INFINITY);
    },
  );

  it("a cell is as wide as it is said to be", () => {
    for (const cell of cellsOf("a午👨‍👩‍👧\u202e\u001b😀")) {
      expect(cell.columns).toBe(stringWidth(cell.shown));
    }
  });
});

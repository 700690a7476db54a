import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cellsOf } from "../../../../src/cli/chat/cells.js";
import { layOutDraft } from "../../../../src/cli/chat/draftLayout.js";
import { type Entry, Screen } from "../../../../src/cli/chat/screen.js";
import { FakeTerminal } from "../../../support/fakeTerminal.js";

let terminal: FakeTerminal;
let draft: string;
let screen: Screen;
beforeEach(() => {
  vi.useFakeTimers();
  terminal = new FakeTerminal(20, 8);
  draft = "";
  screen = new Screen({
    terminal,
    layOut: (columns, maxRows) => {
      const cells = cellsOf(draft);
      return layOutDraft({ prompt: "> ", cells, at: cells.length }, { columns, maxRows });
    },
    passedOverText: (count) => `(${count} passed over)`,
  });
});
afterEach(() => vi.useRealTimers());

const ours = (text: string): Entry => ({ text: () => text });
const theirs = (text: string, shown?: () => void): Entry => ({
  text: () => text,
  ofOthers: true,
  ...(shown === undefined ? {} : { shown }),
});
const type = (text: string): void => {
  draft = text;
  screen.redraw();
};

describe("the screen", () => {
  it("keeps what is typed below what comes in, however long both are", () => {
    screen.open();
    type("a draft that takes more than two rows of this");
    screen.print(theirs("somebody says a long thing as well"));
    vi.advanceTimersByTime(40);
    expect(terminal.text).toBe(
      "somebody says a long\n thing as well\n> a draft that takes\n more than two rows\nof this",
    );
    expect(terminal.cursor).toEqual([4, 7]);
    type("short");
    expect(terminal.text).toBe("somebody says a long\n thing as well\n> short");
  });

  it("writes wide characters and rows that are just full where they belong", () => {
    screen.open();
    for (const text of ["12345678901234567890", "午后午后午后午后午后", "1午后午后午后午后午后"]) {
      screen.print(ours(text));
      type(text);
    }
    expect(terminal.text).toBe(
      "12345678901234567890\n午后午后午后午后午后\n1午后午后午后午后午\n后\n> 1午后午后午后午后\n午后",
    );
  });

  it("writes others' lines of one moment at once, and ours now", () => {
    screen.open();
    const { writes } = terminal;
    for (const text of ["a", "b", "c"]) screen.print(theirs(text));
    expect(terminal.writes).toBe(writes);
    screen.print(ours("d"));
    expect(terminal.writes).toBe(writes + 1);
    expect(terminal.text).toBe("a\nb\nc\nd\n>");
  });

  it("passes over what nobody could read, says how much, and stays quick", () => {
    screen.open();
    type("typing");
    const { writes } = terminal;
    const shown: number[] = [];
    for (let number = 0; number < 10_000; number += 1) {
      screen.print(theirs(`line ${number}`, () => shown.push(number)));
    }
    vi.advanceTimersByTime(40);
    expect(shown).toHaveLength(100);
    expect(shown[0]).toBe(9900);
    expect(terminal.text).toMatch(/^\(9900 passed over\)\nline 9900\n[^]*\nline 9999\n> typing$/);
    for (let number = 0; number < 1000; number += 1) screen.print(theirs("more"));
    vi.advanceTimersByTime(900);
    expect(terminal.writes).toBe(writes + 1);
    vi.advanceTimersByTime(100);
    expect(terminal.text).toContain("(900 passed over)");
    screen.print(theirs("calm"));
    vi.advanceTimersByTime(1000);
    screen.print(theirs("again"));
    vi.advanceTimersByTime(40);
    expect(terminal.text).toMatch(/\ncalm\nagain\n> typing$/);
  });

  it("shows what waits when it is closed, and takes the prompt away", () => {
    screen.open();
    type("draft");
    screen.print(theirs("last"));
    screen.close();
    expect(terminal.text).toBe("last\n");
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a line that changes", () => {
  let mark: string;
  const changing: Entry = { text: () => `you: hello ${mark}` };
  beforeEach(() => {
    mark = "(sent)";
    screen.open();
    screen.print(changing);
  });

  it("does so in its place, with what stands below", () => {
    type("draft");
    screen.print(ours("a line that is wrapped by the terminal"));
    mark = "(read)";
    expect(screen.changed(changing)).toBe(true);
    expect(terminal.text).toBe(
      "you: hello (read)\na line that is wrapp\ned by the terminal\n> draft",
    );
    expect(terminal.cursor).toEqual([3, 7]);
  });

  it("may become longer than its row", () => {
    screen.print(ours("below"));
    mark = "(undelivered)";
    expect(screen.changed(changing)).toBe(true);
    expect(terminal.text).toBe("you: hello (undelive\nred)\nbelow\n>");
    mark = "(x)";
    expect(screen.changed(changing)).toBe(true);
    expect(terminal.text).toBe("you: hello (x)\nbelow\n>");
  });

  it("stays where it has scrolled away", () => {
    for (let count = 0; count < 6; count += 1) screen.print(ours("x"));
    expect(screen.changed(changing)).toBe(true);
    screen.print(ours("x"));
    expect(screen.changed(changing)).toBe(false);
    expect(screen.changed(ours("never printed"))).toBe(false);
  });

  it.each([
    ["below it something stands whose width nobody knows", () => screen.print(ours("❤️"))],
    ["the terminal has another size", () => screen.resized()],
    ["others wrote meanwhile", () => screen.resumed()],
  ])("stays where %s", (_what, happen) => {
    happen();
    mark = "(read)";
    expect(screen.changed(changing)).toBe(false);
    expect(terminal.text).toContain("you: hello (sent)\n");
  });

  it("is as it is then, when it was still waiting", () => {
    const entry = { ...theirs(""), text: () => mark };
    screen.print(entry);
    mark = "(read)";
    expect(screen.changed(entry)).toBe(true);
    vi.advanceTimersByTime(40);
    expect(terminal.text).toBe("you: hello (sent)\n(read)\n>");
  });
});

it("finds its prompt again where a narrower terminal has wrapped it", () => {
  screen.open();
  screen.print(ours("above"));
  type("123456789012345678");
  // As the terminal does it: 18 and 2 characters become 10, 10 and 0.
  const narrow = new FakeTerminal(10, 8);
  narrow.write("above\n> 12345678\n9012345678\n");
  Object.assign(terminal, { columns: 10, write: narrow.write });
  screen.resized();
  expect(narrow.text).toBe("above\n> 12345678\n9012345678\n");
  expect(narrow.cursor).toEqual([3, 0]);
});

import { expect, it } from "vitest";
import { TypedBefore } from "../../../../src/cli/chat/typedBefore.js";

it("goes back to the first text and comes again to the draft", () => {
  const before = new TypedBefore(["one", "two"]);
  expect(before.newer()).toBeUndefined();
  expect([before.older("draft"), before.older("two"), before.older("one")]).toEqual([
    "two",
    "one",
    undefined,
  ]);
  expect([before.newer(), before.newer(), before.newer()]).toEqual(["two", "draft", undefined]);
});

it("begins at its end again when something was said", () => {
  const before = new TypedBefore(["one"]);
  before.older("");
  before.add("two");
  expect(before.older("")).toBe("two");
});

it("keeps the same text said again and again once, and no blank one", () => {
  const before = new TypedBefore(["x", "x"]);
  before.add("x");
  before.add(" ");
  expect([before.older(""), before.older("")]).toEqual(["x", undefined]);
});

it("puts what is told later before what was typed since", () => {
  const before = new TypedBefore();
  before.add("now");
  before.addOlder(["then"]);
  expect([before.older(""), before.older(""), before.older("")]).toEqual([
    "now",
    "then",
    undefined,
  ]);
});

it("keeps the last 500", () => {
  const before = new TypedBefore();
  for (let number = 0; number < 1000; number += 1) before.add(`${number}`);
  let oldest: string | undefined;
  for (let text = before.older(""); text !== undefined; text = before.older("")) oldest = text;
  expect(oldest).toBe("500");
});

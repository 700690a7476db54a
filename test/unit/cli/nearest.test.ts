import { describe, expect, it } from "vitest";
import { nearest } from "../../../src/cli/nearest.js";

const COMMANDS = ["daemon", "start", "stop", "status", "discover", "send", "say", "serve"];

describe("nearest", () => {
  it.each([
    ["discovr", "discover"],
    ["sned", "send"],
    ["statsu", "status"],
    ["DAEMON", "daemon"],
    ["sa", "say"],
  ])("takes %s for %s", (word, meant) => {
    expect(nearest(word, COMMANDS)).toBe(meant);
  });

  it.each(["xyzzy", "", "history"])("guesses nothing for %j", (word) => {
    expect(nearest(word, COMMANDS)).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import { complete } from "../../../../src/cli/chat/completer.js";
import { SLASH_COMMANDS } from "../../../../src/cli/chat/slashCommands.js";

const THERE = {
  commands: SLASH_COMMANDS,
  names: ["Anne Marie", "alice", "alicia", "bob", "李雷", "bob~2bd3"],
  groups: ["#ops", "#operations", "224.0.1.100"],
};

/** What is before the cursor then. */
function completed(before: string): string | undefined {
  const found = complete(before, THERE);
  if (found === undefined) return undefined;
  return before.slice(0, before.length - found.replaced) + found.text;
}

describe("Tab", () => {
  it.each([
    ["/w", "/who "],
    ["/m", "/m"],
    ["/ms", "/msg "],
    ["bo", "bob"],
    ["bob~", "bob~2bd3: "],
    ["李", "李雷: "],
    ["thanks, 李", "thanks, 李雷 "],
    ["ask @b", "ask @bob"],
    ["ann", "Anne Marie: "],
    ["ALI", "alic"],
    ["alicia", "alicia: "],
    ["see #op", "see #op"],
    ["see #ope", "see #operations "],
    ["/msg ali", "/msg alic"],
    ["/msg an", '/msg "Anne Marie" '],
    ['/msg "Anne', '/msg "Anne Marie" '],
    ["/msg alicia ask b", "/msg alicia ask bob"],
  ])("makes of %j %j", (before, after) => {
    expect(completed(before)).toBe(after);
  });

  it.each(["", "hello ", "/x", "zz", "#zz", "/msg zz"])("makes nothing of %j", (before) => {
    expect(completed(before)).toBeUndefined();
  });

  it("tells the candidates of what may become several", () => {
    expect(complete("/m", THERE)?.candidates).toEqual(["/msg", "/me"]);
    expect(complete("/msg ", THERE)?.candidates).toEqual(THERE.names);
  });
});

import { describe, expect, it } from "vitest";
import { actionOf } from "../../../../src/cli/chat/action.js";
import { SLASH_COMMANDS, understand } from "../../../../src/cli/chat/slashCommands.js";

describe("a typed line", () => {
  it.each([
    ["hello", "hello"],
    [" /who", " /who"],
    ["a /who", "a /who"],
    ["//who", "/who"],
    ["//", "/"],
    ["two\nlines", "two\nlines"],
    ["/me waves", "/me waves"],
    ["/ME   waves  back ", "/me waves  back"],
  ])("%j says %j", (line, text) => {
    expect(understand(line)).toEqual({ kind: "say", text });
  });

  it.each([
    ["/msg bob hello there", "bob", "hello there"],
    ['/msg "Anne Marie" hello', "Anne Marie", "hello"],
    ["/msg bob~2bd3 two\nlines", "bob~2bd3", "two\nlines"],
    ["/MSG 10.0.0.2:22400 x", "10.0.0.2:22400", "x"],
  ])("%j says it to %j alone", (line, to, text) => {
    expect(understand(line)).toEqual({ kind: "message", to, text });
  });

  it.each(["who", "help", "quit"])("/%s is a command", (name) => {
    expect(understand(`/${name}`)).toEqual({ kind: name });
    expect(understand(`/${name.toUpperCase()} `)).toEqual({ kind: name });
  });

  it.each([
    ["/whoo", "there is no /whoo: did you mean /who?"],
    [
      "/etc/hosts",
      "there is no /etc/hosts: see /help (a line that begins with a slash is said with two)",
    ],
    ["/", "there is no /: see /help"],
    ["/who me", "/who stands alone"],
    ["/me", "/me needs TEXT: /me waves"],
    ["/msg", "/msg needs NAME and TEXT: /msg alice"],
    ["/msg bob", "/msg needs TEXT: /msg bob see you"],
    ['/msg "Anne Marie"', '/msg needs TEXT: /msg "Anne Marie" see'],
  ])("%j is wrong, and it is said why", (line, message) => {
    expect(understand(line)).toEqual({ kind: "wrong", message: expect.stringContaining(message) });
  });

  it("every command of the help is understood", () => {
    expect(SLASH_COMMANDS).toEqual(["/who", "/msg", "/me", "/quit", "/help"]);
    for (const command of SLASH_COMMANDS) {
      const typed = understand(`${command} x y`);
      expect(JSON.stringify(typed)).not.toContain("there is no");
    }
  });
});

describe("what somebody does", () => {
  it.each([
    ["/me waves", "waves"],
    ["/me ", undefined],
    ["/me", undefined],
    ["/mean", undefined],
    ["x /me waves", undefined],
  ])("of %j it is %j", (text, action) => {
    expect(actionOf(text)).toBe(action);
  });
});

import { describe, expect, it } from "vitest";
import type { Command } from "../../../src/cli/command.js";
import { defineCommand } from "../../../src/cli/command.js";
import { parseCommandLine } from "../../../src/cli/commandLine.js";
import fc from "../../support/fastCheck.js";

interface EchoArgs {
  readonly target: string;
  readonly text: string;
  readonly exec?: string | undefined;
}

/** What a handler would be given. */
function argumentsOf(argv: readonly string[]): EchoArgs {
  let seen: EchoArgs | undefined;
  const echo = defineCommand<EchoArgs>({
    usage: "echo <target> <text>",
    summary: "For this test",
    arguments: {
      target: { type: "string", demandOption: true, describe: "Whom" },
      text: { type: "string", demandOption: true, describe: "What" },
      exec: { type: "string", requiresArg: true, describe: "How" },
    },
    load: () => Promise.reject(new Error("not run")),
  });
  const spy: Command = {
    ...echo,
    choose: (values) => {
      seen = pick(values);
      return echo.choose(values);
    },
  };
  parseCommandLine(argv, { commands: [spy], version: "1.2.3" });
  return seen ?? expect.fail("no command was chosen");
}

function pick(args: unknown): EchoArgs {
  const value = (key: string): unknown => Reflect.get(Object(args), key);
  const text = (key: string): string => {
    const found = value(key);
    return typeof found === "string" ? found : expect.fail(`${key} is no text`);
  };
  return {
    target: text("target"),
    text: text("text"),
    ...(value("exec") === undefined ? {} : { exec: text("exec") }),
  };
}

describe("the words of a command line", () => {
  it.each([
    "-",
    "007",
    '"quoted"',
    "'quoted'",
    "",
    "1e3",
    "a=b",
    "-5",
    "0x10",
    "true",
    '"',
    "\uE0000\uE000",
  ])("reach the command as they were typed: %j", (text) => {
    expect(argumentsOf(["echo", "bob", text])).toEqual({ target: "bob", text });
  });

  it("reach it behind --, too", () => {
    expect(argumentsOf(["echo", "bob", "--", "--json"])).toEqual({ target: "bob", text: "--json" });
    expect(argumentsOf(["echo", "--", "bob", "--"])).toEqual({ target: "bob", text: "--" });
  });

  it("keep the quotes of an option's value", () => {
    const exec = '"my program" "argument"';
    expect(argumentsOf(["echo", "bob", "x", "--exec", exec]).exec).toBe(exec);
    expect(argumentsOf(["echo", "bob", "x", `--exec=${exec}`]).exec).toBe(exec);
  });

  it("are whatever they are", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ minLength: 1 }), (text, target) => {
        expect(argumentsOf(["echo", "--", target, text])).toEqual({ target, text });
      }),
      // yargs takes milliseconds for each.
      { numRuns: 25 },
    );
  });
});

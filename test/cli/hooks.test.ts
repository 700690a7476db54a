/** Hooks of the daemon on their own: what runs none, and what finds no room. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MessageLine, PresenceLine } from "../../src/api/lines.js";
import { type HookPrograms, Hooks } from "../../src/daemon/hooks.js";
import { eventually } from "../support/cliWorld.js";

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "udpchat-hooks-"))));
afterAll(() => rmSync(folder, { recursive: true }));

const from = { id: "ab", name: "eve", address: "10.0.0.2", port: 1, trust: "known" } as const;
const said = (text: string, more: Partial<MessageLine> = {}): MessageLine => ({
  type: "message",
  id: text,
  scope: "direct",
  from,
  group: null,
  text,
  sentAt: null,
  receivedAt: "2026-01-02T03:04:06.000Z",
  verified: true,
  late: false,
  ...more,
});
const came: PresenceLine = {
  type: "presence",
  event: "online",
  group: null,
  peer: from,
  online: 1,
};

/** Hooks that were set up, and what they log. */
function opened(programs: HookPrograms, requireVerified = false) {
  const log: string[] = [];
  const logger = pino({}, { write: (line) => void log.push(line) });
  const env = { PATH: process.env["PATH"] };
  const hooks = new Hooks({ programs, requireVerified }, { home: folder, env, logger });
  return { hooks, log };
}

/** A file, and a hook that writes what it reads into it. */
function writing(name: string): { readonly argv: string[]; readonly written: () => string } {
  const path = join(folder, name);
  const argv = ["sh", "-c", `text=$(cat); echo "$text $UDPCHAT_TYPE $UDPCHAT_HOME" >> ${path}`];
  const written = (): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  return { argv, written };
}

describe("hooks", () => {
  it("run neither for late lines nor for what has none", async () => {
    const { argv, written } = writing("late");
    const { hooks } = opened({ message: argv });
    hooks.take(said("earlier", { late: true }));
    hooks.take(came);
    hooks.take({ type: "gap", group: "#a", from, count: 1 });
    hooks.take(said("now"));
    await eventually(
      () => written().endsWith("\n"),
      () => "the hook to run",
    );
    await hooks.close();
    expect(written()).toBe(`now message ${folder}\n`);
  });

  it("leave out who is not verified, where that is asked for", async () => {
    const { argv, written } = writing("verified");
    const { hooks } = opened({ message: argv, presence: argv }, true);
    const friend = { ...from, trust: "verified" } as const;
    hooks.take(said("stranger"));
    hooks.take(came);
    hooks.take({ ...came, peer: friend });
    hooks.take(said("friend", { from: friend }));
    await eventually(
      () => written().split("\n").length === 3,
      () => `two lines, and not ${written()}`,
    );
    expect(written().split("\n").toSorted()).toEqual(
      ["", ` presence ${folder}`, `friend message ${folder}`].toSorted(),
    );
    await hooks.close();
  });

  it("leave out what finds no room, and say how much that was", async () => {
    const { hooks, log } = opened({ message: ["true"] });
    for (let number = 0; number < 150; number++) hooks.take(said(`text ${number}`));
    await eventually(
      () => log.some((line) => line.includes('"hook":"message","count":49')),
      () => `49 to be left out: ${log.join("")}`,
    );
    await hooks.close();
    expect(log).toHaveLength(2);
    expect(log[1]).toMatch(/"hook":"message","count":\d+,"msg":"hook not run: the daemon ends"/);
  });

  it("go by what was changed, from the next event on", async () => {
    const [first, second] = [writing("first"), writing("second")];
    const { hooks } = opened({ message: first.argv });
    hooks.take(said("one"));
    hooks.change({ programs: { message: second.argv }, requireVerified: false });
    hooks.take(said("two"));
    hooks.change({ programs: {}, requireVerified: false });
    hooks.take(said("three"));
    await eventually(
      () => second.written().endsWith("\n"),
      () => "the second hook to run",
    );
    await hooks.close();
    expect(first.written()).toBe(`one message ${folder}\n`);
    expect(second.written()).toBe(`two message ${folder}\n`);
  });

  it("end with the daemon", async () => {
    const { hooks, log } = opened({ message: ["sleep", "1000"] });
    hooks.take(said("x"));
    await hooks.close();
    expect(log).toEqual([]);
  });
});

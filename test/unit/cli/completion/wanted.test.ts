import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../../../src/cli/commands/index.js";
import { type Wanted, wantedAfter } from "../../../../src/cli/completion/wanted.js";

function wanted(...typed: readonly string[]): Wanted {
  return wantedAfter(typed.slice(0, -1), typed.at(-1) ?? "", COMMANDS);
}

function completesOf(found: Wanted): unknown {
  return found.kind === "value" && found.spec.type === "string" ? found.spec.completes : undefined;
}

function optionsOf(found: Wanted): string[] {
  return found.kind === "option" ? Object.keys(found.specs) : [];
}

describe("what may follow", () => {
  it("is a command first, also behind options", () => {
    expect(wanted("")).toEqual({ kind: "command" });
    expect(wanted("--json", "--home", "/tmp/a", "se")).toEqual({ kind: "command" });
  });

  it.each([
    [["send", ""], "peer"],
    [["send", "--json", ""], "peer"],
    [["send", "--ttl", "2d", "al"], "peer"],
    [["invite", "bob", ""], "group"],
    [["history", "--peer", ""], "peer"],
    [["history", "--group", "#"], "group"],
    [["outbox", "drop", ""], "queued"],
    [["unblock", ""], "blocked"],
    [["--home", ""], "folder"],
    [["join", "#ops", "--passphrase-file", ""], "file"],
    [["peers", "--interface", "lo", "--interface", ""], "interface"],
  ])("%j wants %s", (typed, completes) => {
    expect(completesOf(wanted(...typed))).toBe(completes);
  });

  it.each([[["send", "bob", ""]], [["send", "bob", "hi", ""]], [["peers", ""]], [["sned", ""]]])(
    "%j wants nothing that is known",
    (typed) => {
      expect(completesOf(wanted(...typed))).toBeUndefined();
      expect(wanted(...typed).kind).not.toBe("option");
    },
  );

  it("offers options of the command and those of all, and none twice unless it is a list", () => {
    expect(optionsOf(wanted("send", "-"))).toEqual(expect.arrayContaining(["queue", "json"]));
    expect(optionsOf(wanted("peers", "--"))).not.toContain("queue");
    expect(optionsOf(wanted("send", "--queue", "--json", "--"))).not.toContain("queue");
    expect(optionsOf(wanted("send", "--name", "bob", "--"))).not.toContain("name");
    expect(optionsOf(wanted("send", "--interface=lo", "--"))).toContain("interface");
  });

  it("takes a word behind -- for no option", () => {
    expect(wanted("send", "--", "-")).toMatchObject({ kind: "value" });
    expect(wanted("send", "--", "bob", "-")).toMatchObject({ kind: "value" });
  });

  it("has the beginning of a word in front of its value", () => {
    expect(wanted("history", "--peer=al")).toMatchObject({ kind: "value", before: "--peer=" });
    expect(wanted("history", "--nope=al")).toEqual({ kind: "nothing" });
  });

  it("knows of every place of a command that is a peer or a group", () => {
    const unknown = COMMANDS.flatMap(({ name, specs }) =>
      Object.entries(specs)
        .filter(([key]) => /^(?:target|peer|group)$/.test(key))
        .filter(([, spec]) => spec.type === "string" && spec.completes === undefined)
        .map(([key]) => `${name} ${key}`),
    );
    expect(unknown).toEqual([]);
  });
});

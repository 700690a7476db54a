import { beforeEach, describe, expect, it } from "vitest";
import {
  Notifier,
  type NotifyCommand,
  notifyCommand,
  showNotification,
} from "../../../../src/cli/chat/notifier.js";
import { type NotifyKind, notifyKindOf } from "../../../../src/cli/chat/notifyKind.js";

let nowMs: number;
let rung: number;
let shown: NotifyCommand[];
let remarks: string[];
beforeEach(() => {
  nowMs = 1;
  rung = 0;
  shown = [];
  remarks = [];
});

function notifier(kind: NotifyKind | undefined, failure?: Error): Notifier {
  return new Notifier(kind, {
    ring: () => (rung += 1),
    show: async (command) => {
      if (failure !== undefined) throw failure;
      shown.push(command);
    },
    remark: (text) => remarks.push(text),
    platform: "linux",
    nowMs: () => nowMs,
  });
}

describe("--notify", () => {
  it("is bell, desktop, or wrong", () => {
    expect([undefined, "", "bell", "desktop"].map(notifyKindOf)).toEqual([
      undefined,
      "bell",
      "bell",
      "desktop",
    ]);
    expect(() => notifyKindOf("#ops")).toThrow('--notify: "#ops" is not possible');
  });
});

describe("a notifier", () => {
  it("is silent unless it is asked for", async () => {
    await notifier(undefined).notify("a", "b");
    expect([rung, shown]).toEqual([0, []]);
  });

  it("rings once for many, and again a second later", async () => {
    const bell = notifier("bell");
    for (let count = 0; count < 100; count += 1) await bell.notify("a", "b");
    expect(rung).toBe(1);
    nowMs += 1000;
    await bell.notify("a", "b");
    expect(rung).toBe(2);
  });

  it("shows one of many", async () => {
    const desktop = notifier("desktop");
    for (let count = 0; count < 100; count += 1) await desktop.notify("alice", "hello");
    expect(shown).toEqual([notifyCommand("linux", "alice", "hello")]);
  });

  it("rings where nothing can be shown, and says so once", async () => {
    const desktop = notifier("desktop", new Error("ENOENT"));
    await desktop.notify("a", "b");
    nowMs += 10_000;
    await desktop.notify("a", "b");
    expect(rung).toBe(2);
    expect(remarks).toEqual([
      "udpchat: notify-send shows no notification here: the bell rings instead",
    ]);
  });

  it("shows hostile texts short, on one line, and as what they are", async () => {
    const text = `\u001b]0;x\u0007\n<b>"$(reboot)" \`id\` & ${"x".repeat(1000)}`;
    await notifier("desktop").notify("--help\u202e", text);
    const [command] = shown;
    expect(command?.args.slice(0, 3)).toEqual(["--app-name=udpchat", "--", "--help<U+202E>"]);
    const [, , , body = ""] = command?.args ?? [];
    expect(body).toMatch(/^␛\]0;x␇␊&lt;b&gt;"\$\(reboot\)" `id` &amp; x+…$/);
    expect(body.length).toBeLessThan(230);
  });
});

describe("the command of a notification", () => {
  const texts = ['"; do shell script "id', "$env:X; Remove-Item"] as const;

  it("hands AppleScript its texts as arguments", () => {
    const { args } = notifyCommand("darwin", ...texts);
    expect(args.slice(-3)).toEqual(["--", ...texts]);
    expect(args[1]).not.toContain("shell");
  });

  it("hands PowerShell its texts in the environment", () => {
    const { args, env } = notifyCommand("win32", ...texts);
    expect(args.join(" ")).not.toContain("Remove-Item");
    expect(Object.values(env)).toEqual(texts);
  });

  it("is run without a shell, and fails aloud", async () => {
    const run = (...args: string[]) =>
      showNotification({ program: process.execPath, args, env: { TITLE: "$(x)" } });
    await run("-e", "process.exit(process.env.TITLE === '$(x)' ? 0 : 1)", "--", ";");
    await expect(run("-e", "process.exit(3)")).rejects.toThrow("failed");
    await expect(
      showNotification({ program: "udpchat-no-such-program", args: [], env: {} }),
    ).rejects.toThrow("ENOENT");
  });
});

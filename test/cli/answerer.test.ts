import { describe, expect, it } from "vitest";
import type { RequestLine } from "../../src/api/lines.js";
import { type Outcome, runAnswerer } from "../../src/cli/commands/serve/answerer.js";

const request: RequestLine = {
  type: "request",
  id: "1",
  from: { id: "ab", name: "alice; $(touch x)", address: "10.0.0.2", port: 22400, trust: "known" },
  text: "what time is it?",
  sentAt: "2026-01-02T03:04:05.000Z",
};

interface Overrides {
  readonly signal?: AbortSignal;
  readonly timeLimitMs?: number;
}

function answer(command: string, overrides: Overrides = {}): Promise<Outcome> {
  const env = { PATH: process.env["PATH"] };
  const { signal } = new AbortController();
  return runAnswerer(command, request, { env, signal, timeLimitMs: 60_000, ...overrides });
}

describe("serve --exec", () => {
  it("gives the text on stdin and takes the reply from stdout", async () => {
    expect(await answer("cat")).toEqual({ text: "what time is it?" });
  });

  it("strips one newline, no more", async () => {
    expect(await answer("printf 'a\\n\\n'")).toEqual({ text: "a\n" });
  });

  it("says who asks", async () => {
    const command =
      'printf "%s|%s|%s" "$UDPCHAT_FROM_ID" "$UDPCHAT_FROM_NAME" "$UDPCHAT_FROM_ADDRESS"';
    expect(await answer(command)).toEqual({ text: "ab|alice; $(touch x)|10.0.0.2:22400" });
  });

  it("fails with the first line of stderr, or else the exit code", async () => {
    expect(await answer("echo bad >&2; echo worse >&2; exit 3")).toEqual({ error: "bad" });
    expect(await answer("exit 3")).toEqual({ error: "the command ended with 3" });
  });

  it("tells at most 200 characters of that line", async () => {
    expect(await answer("printf '%0300d' 0 >&2; exit 1")).toEqual({ error: `${"0".repeat(199)}…` });
    expect(await answer("printf '%0200d' 0 >&2; exit 1")).toEqual({ error: "0".repeat(200) });
  });

  it("does not mind a command that reads nothing", async () => {
    expect(await answer("echo ok")).toEqual({ text: "ok" });
  });

  it("refuses what no reply can hold", async () => {
    expect(await answer("head -c 70000 /dev/zero | tr '\\0' x")).toEqual({
      error: "the reply has more than 65536 bytes",
    });
    expect(await answer("printf '\\377'")).toEqual({
      error: "the command's output is not UTF-8 text",
    });
  });

  it("ends a command and its children when its time is over", async () => {
    expect(await answer("sleep 100 | cat", { timeLimitMs: 50 })).toEqual({
      error: "the command took longer than 0.05 s",
    });
  });

  it("ends it when we are interrupted", async () => {
    const interrupted = new AbortController();
    const outcome = answer("sleep 100", { signal: interrupted.signal });
    interrupted.abort();
    expect(await outcome).toEqual({ error: "the command was interrupted" });
  });
});

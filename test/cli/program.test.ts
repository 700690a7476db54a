/** Programs of the user: what they get, and that they end. */
import { describe, expect, it } from "vitest";
import {
  type Program,
  type ProgramEnd,
  type RunOptions,
  runProgram,
} from "../../src/programs/program.js";
import { eventually } from "../support/cliWorld.js";
import { isRunning } from "../support/processes.js";

interface Ran {
  readonly end: ProgramEnd;
  readonly stdout: string;
}

async function run(program: Program, options: Partial<RunOptions> = {}): Promise<Ran> {
  let stdout = "";
  const end = await runProgram(program, {
    input: "",
    env: { PATH: process.env["PATH"] },
    signal: new AbortController().signal,
    timeLimitMs: 60_000,
    stdout: (bytes) => void (stdout += bytes.toString()),
    ...options,
  });
  return { end, stdout };
}

function gone(pid: number): Promise<void> {
  return eventually(
    () => !isRunning(pid),
    () => `process ${pid} to end`,
  );
}

describe("a program", () => {
  it("gets its words as they are, and a shell what it can expand", async () => {
    const words = ["$HOME", "a  b", "; echo no", "'", '"', "*", ""];
    const argv = ["printf", "%s|", ...words];
    expect(await run({ argv })).toEqual({ end: { kind: "done" }, stdout: `${words.join("|")}|` });
    const env = { PATH: process.env["PATH"], WHO: "a b" };
    expect((await run({ shell: 'echo "$WHO"' }, { env })).stdout).toBe("a b\n");
  });

  it("gets what is for its standard input, and need not read it", async () => {
    const input = "x".repeat(65_536);
    expect((await run({ argv: ["wc", "-c"] }, { input })).stdout.trim()).toBe("65536");
    expect((await run({ argv: ["true"] }, { input })).end).toEqual({ kind: "done" });
  });

  it("does not get the pipe of its guard", async () => {
    const shell = "(: <&3) 2>/dev/null && echo open || echo closed";
    expect((await run({ shell })).stdout).toBe("closed\n");
  });

  it("fails with its exit code", async () => {
    const failed = (reason: string): ProgramEnd => ({ kind: "failed", reason });
    expect((await run({ argv: ["sh", "-c", "exit 3"] })).end).toEqual(
      failed("the command ended with 3"),
    );
    expect((await run({ argv: ["no-such-program"] })).end).toEqual(
      failed("the command ended with 127"),
    );
    expect((await run({ argv: ["true", "a\0b"] })).end.kind).toBe("failed");
  });

  it("is as slow as the one who reads what it prints", async () => {
    const sizes: number[] = [];
    let reading = 0;
    let most = 0;
    const { end } = await run(
      { shell: "head -c 1000000 /dev/zero" },
      {
        async stdout(bytes) {
          most = Math.max(most, ++reading);
          sizes.push(bytes.length);
          await new Promise((resolve) => setImmediate(resolve));
          reading -= 1;
        },
      },
    );
    expect(end.kind).toBe("done");
    expect(most).toBe(1);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1_000_000);
  });

  it("ends when nobody takes what it prints", async () => {
    const { end } = await run(
      { shell: "yes" },
      { stdout: () => Promise.reject(new Error("that is enough")) },
    );
    expect(end).toEqual({ kind: "stopped", reason: "that is enough" });
  });

  it("leaves nothing behind when it ends", async () => {
    const { end, stdout } = await run({ shell: "sleep 1000 >/dev/null 2>&1 & echo $!" });
    expect(end).toEqual({ kind: "done" });
    await gone(Number(stdout));
  });

  it("does not wait for what holds its output open in the background", async () => {
    const inGroup = await run({ shell: "sleep 1000 & echo $!" }, { timeLimitMs: 60_000 });
    expect(inGroup.end).toEqual({ kind: "done" });
    await gone(Number(inGroup.stdout));
    // It leaves the group, as daemons do.
    const left = await run({ shell: "setsid sleep 30 & echo $!" }, { timeLimitMs: 60_000 });
    expect(left.end).toEqual({ kind: "done" });
    process.kill(Number(left.stdout));
  });

  it("reads all that was printed, however slowly", async () => {
    let read = 0;
    const { end } = await run(
      { shell: "head -c 200000 /dev/zero" },
      {
        async stdout(bytes) {
          await new Promise((resolve) => setTimeout(resolve, 400));
          read += bytes.length;
        },
      },
    );
    expect(end).toEqual({ kind: "done" });
    expect(read).toBe(200_000);
  });

  it("ends with its children when its time is over, and when we are interrupted", async () => {
    const shell = "sleep 1000 & echo $!; sleep 1000 | cat";
    const late = await run({ shell }, { timeLimitMs: 300 });
    expect(late.end).toEqual({ kind: "stopped", reason: "the command took longer than 0.3 s" });
    await gone(Number(late.stdout));

    let pid = 0;
    const interrupting = new AbortController();
    const interrupted = await run(
      { shell: "sleep 1000 & echo $!; wait" },
      {
        signal: interrupting.signal,
        stdout(bytes) {
          pid = Number(bytes.toString());
          interrupting.abort();
        },
      },
    );
    expect(interrupted.end).toEqual({ kind: "stopped", reason: "the command was interrupted" });
    await gone(pid);
    expect((await run({ argv: ["true"] }, { signal: interrupting.signal })).end.kind).toBe(
      "stopped",
    );
  });
});

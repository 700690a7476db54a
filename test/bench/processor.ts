import { readdir, readFile } from "node:fs/promises";

const NANOSECONDS_PER_MS = 1e6;

/** What the threads of a process ran so far, from /proc (schedstat counts nanoseconds). */
export async function processorMs(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    threads.map(async (thread) => {
      const line = await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0");
      return Number(line.split(" ", 1)[0]) / NANOSECONDS_PER_MS;
    }),
  );
  return times.reduce((sum, ms) => sum + ms, 0);
}

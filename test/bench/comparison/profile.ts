import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";

const MOST = 15;

/** What V8's profiler writes, as far as it is needed. */
const ProfileSchema = v.object({
  nodes: v.array(
    v.object({
      id: v.number(),
      callFrame: v.object({
        functionName: v.string(),
        url: v.string(),
        lineNumber: v.number(),
      }),
    }),
  ),
  samples: v.array(v.number()),
  timeDeltas: v.array(v.number()),
});

/** Tells where each process spent its time itself, without what it called. */
export async function tellProfiles(folder: string, tell: (line: string) => void): Promise<void> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".cpuprofile")).toSorted();
  for (const file of files) {
    tell(`\n${file}`);
    for (const line of await selfTimes(join(folder, file))) tell(`  ${line}`);
  }
}

type CallFrame = v.InferOutput<typeof ProfileSchema>["nodes"][number]["callFrame"];

async function selfTimes(file: string): Promise<string[]> {
  const profile = v.parse(ProfileSchema, JSON.parse(await readFile(file, "utf8")));
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byFunction = new Map<string, number>();
  const byFolder = new Map<string, number>();
  let totalUs = 0;
  for (const [i, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    if (frame === undefined || frame.functionName === "(idle)") continue;
    const us = profile.timeDeltas[i] ?? 0;
    totalUs += us;
    add(byFunction, nameOf(frame), us);
    add(byFolder, folderOf(frame), us);
  }
  return [
    `busy ${(totalUs / 1e6).toFixed(2)} s, of that`,
    ...highest(byFunction, totalUs),
    "by folder",
    ...highest(byFolder, totalUs),
  ];
}

function add(sums: Map<string, number>, name: string, us: number): void {
  sums.set(name, (sums.get(name) ?? 0) + us);
}

function highest(sums: ReadonlyMap<string, number>, totalUs: number): string[] {
  return [...sums]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, MOST)
    .map(([name, us]) => `${((100 * us) / totalUs).toFixed(1).padStart(5)} %  ${name}`);
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const where = url === "" ? "" : ` ${url.split("/").slice(-2).join("/")}:${lineNumber + 1}`;
  return `${functionName === "" ? "(anonymous)" : functionName}${where}`;
}

/** Of ours below `dist`; a package; or Node's own, each of its modules. */
function folderOf({ functionName, url }: CallFrame): string {
  const own = /\/dist\/(.+)\/[^/]+$/.exec(url)?.[1];
  const installed = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (installed !== undefined) return installed;
  if (own !== undefined) return own;
  if (url === "") return functionName.startsWith("(") ? functionName : "native";
  return url.startsWith("node:") ? url : "the benchmark";
}

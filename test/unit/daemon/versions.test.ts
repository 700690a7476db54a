/** A daemon on the home of a later udpchat. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runDaemon } from "../../../src/daemon/daemon.js";
import { Messenger } from "../../../src/messenger/messenger.js";
import { pathsOf } from "../../../src/store/paths.js";
import { MemorySegment } from "../../support/memoryLan.js";
import { textSink } from "../../support/textSink.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "udpchat-later-"));
});
afterEach(() => rm(home, { recursive: true }));

const LATER = '{"version":2}';

describe("a daemon on the home of a later version", () => {
  it.each(["identityFile", "trustFile", "membershipsFile"] as const)(
    "does not start (%s), says why, and leaves all as it was",
    async (file) => {
      const paths = pathsOf(home);
      await writeFile(paths[file], LATER);
      const start = runDaemon({
        paths,
        settings: { atStart: {}, read: async () => ({ values: {}, messengerOptions: {} }) },
        messengerOptions: { home, name: "alice", store: "none" },
        log: { destination: textSink().stream, level: "error" },
        openMessenger: (wanted) => Messenger.open(wanted, { openLan: new MemorySegment().open }),
      });
      await expect(start).rejects.toMatchObject({
        code: "HOME_UNUSABLE",
        message: `a later version of udpchat wrote ${paths[file]}`,
      });
      expect(await readFile(paths[file], "utf8")).toBe(LATER);
      const names = await readdir(home);
      expect(names.filter((name) => /damaged|pid/.test(name))).toEqual([]);
    },
  );
});

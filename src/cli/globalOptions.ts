import type { SpecsOf } from "./options.js";

/** Options of every command, as typed: `settings.ts` gives them their values. */
export interface GlobalArgs {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly home?: string | undefined;
  readonly name?: string | undefined;
  readonly port?: string | undefined;
  readonly discoveryPort?: string | undefined;
  readonly interface?: string[] | undefined;
  readonly broadcast?: string[] | undefined;
  readonly peer?: string[] | undefined;
  readonly timeout?: string | undefined;
  readonly requireVerified?: boolean | undefined;
  readonly store?: string | undefined;
  readonly retention?: string | undefined;
  readonly noReadReceipts?: boolean | undefined;
}

/** Options that hold a list. */
export const REPEATABLE: ReadonlySet<string> = new Set([
  "interface",
  "broadcast",
  "peer",
  "code",
  "values",
]);

const GROUP = "Everywhere:";

/** Their declarations. */
export const GLOBAL_OPTIONS: SpecsOf<GlobalArgs> = {
  json: {
    type: "boolean",
    default: false,
    group: GROUP,
    describe: "One JSON object a line on stdout, nothing else there",
  },
  home: {
    type: "string",
    requiresArg: true,
    completes: "folder",
    group: GROUP,
    describe: "Folder of identity, settings and socket; two homes are two users",
  },
  name: {
    type: "string",
    requiresArg: true,
    group: GROUP,
    describe: "Nickname, at most 32 bytes",
  },
  port: {
    type: "string",
    requiresArg: true,
    group: GROUP,
    describe: "UDP port for messages (22400; any free one if that is taken)",
  },
  discoveryPort: {
    type: "string",
    requiresArg: true,
    group: GROUP,
    describe: "UDP port for discovery and groups, the same for everybody (22401)",
  },
  interface: {
    type: "string",
    array: true,
    requiresArg: true,
    completes: "interface",
    group: GROUP,
    describe: "Network interface to use; repeatable (all)",
  },
  broadcast: {
    type: "string",
    array: true,
    requiresArg: true,
    group: GROUP,
    describe: "Further broadcast address; repeatable",
  },
  peer: {
    type: "string",
    array: true,
    requiresArg: true,
    group: GROUP,
    describe: "host:port of a peer that no broadcast reaches; repeatable",
  },
  timeout: {
    type: "string",
    requiresArg: true,
    group: GROUP,
    describe: "How long to wait: 500ms, 2s (5s; discover: 1s)",
  },
  requireVerified: {
    type: "boolean",
    group: GROUP,
    describe: "Have to do with verified peers alone",
  },
  store: {
    type: "string",
    requiresArg: true,
    choices: ["disk", "memory"],
    group: GROUP,
    describe: "Where messages are kept (disk)",
  },
  retention: {
    type: "string",
    requiresArg: true,
    group: GROUP,
    describe: "Forget messages that are older than this: 90d (never)",
  },
  noReadReceipts: {
    type: "boolean",
    group: GROUP,
    describe: "Tell nobody that you have read a message",
  },
  verbose: {
    type: "boolean",
    default: false,
    group: GROUP,
    describe: "Show the cause and the stack of errors",
  },
};

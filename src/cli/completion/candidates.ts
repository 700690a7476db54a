import { networkInterfaces } from "node:os";
import { connectApi } from "../../api/client.js";
import type { Api } from "../../api/operations.js";
import { shortestEndings } from "../../messenger/queuedNames.js";
import { DEFAULT_GROUP_ADDRESS } from "../../messenger/types.js";
import { sanitiseName } from "../../sanitise.js";
import { pathsOf } from "../../store/paths.js";
import type { Command } from "../command.js";
import { optionName, type Spec } from "../options.js";
import type { Completion, ShellsOwn } from "./completion.js";
import { blockedCompletions, peerCompletions } from "./peerWords.js";
import type { Wanted } from "./wanted.js";

/** A daemon that is busy or stopped must not stop whoever types. */
const PATIENCE_MS = 500;
/** Of the text of a queued message. */
const MAX_TEXT_CHARACTERS = 40;

/** What it takes to find them. */
export interface CandidatesContext {
  readonly commands: readonly Command[];
  /** As `--home` or `UDPCHAT_HOME` says; undefined: the platform's own folders. */
  readonly home: string | undefined;
}

/**
 * What can stand there. Peers, groups and messages are those of the daemon that runs in this home.
 * @throws UdpchatError DAEMON_NOT_RUNNING, ABORTED, ...
 */
export async function candidates(
  wanted: Wanted,
  { commands, home }: CandidatesContext,
): Promise<Completion[] | ShellsOwn> {
  switch (wanted.kind) {
    case "nothing":
      return [];
    case "command":
      return commands.map(commandCompletion);
    case "option":
      return [
        ...Object.entries(wanted.specs).map(([key, { describe }]) => ({
          value: `--${optionName(key)}`,
          description: describe,
        })),
        { value: "--help", description: "Show help" },
      ];
    case "value": {
      const values = await valuesOf(wanted.spec, { commands, home });
      if (typeof values === "string") return values;
      return values.map(({ value, description }) => ({
        value: wanted.before + value,
        description,
      }));
    }
  }
}

function commandCompletion({ name, summary }: Command): Completion {
  return { value: name, description: summary };
}

async function valuesOf(
  spec: Spec,
  { commands, home }: CandidatesContext,
): Promise<Completion[] | ShellsOwn> {
  if (spec.type === "boolean") return [];
  if (spec.array !== true && spec.choices !== undefined) return spec.choices.map(bare);
  switch (spec.completes) {
    case "command":
      return commands.map(commandCompletion);
    case "file":
      return "files";
    case "folder":
      return "folders";
    case "interface":
      return Object.keys(networkInterfaces()).map(bare);
    case "peer":
      return peerCompletions(await asked(home, (api, signal) => api.call("peers", {}, { signal })));
    case "blocked":
      return blockedCompletions(
        await asked(home, (api, signal) => api.call("blocked", {}, { signal })),
      );
    case "group":
      return await groupCompletions(home);
    case "queued":
      return await queuedCompletions(home);
    default:
      return [];
  }
}

async function groupCompletions(home: string | undefined): Promise<Completion[]> {
  const lines = await asked(home, (api, signal) => api.call("groups", {}, { signal }));
  const found = new Map([[DEFAULT_GROUP_ADDRESS, "the group of everybody"]]);
  for (const line of lines) {
    const { group } = line;
    // Whoever invites us chooses the name.
    if (sanitiseName(group) !== group) continue;
    if (line.type === "group") found.set(group, line.secret ? "secret group" : "open group");
    else if (!found.has(group)) found.set(group, `invitation from ${sanitiseName(line.from.name)}`);
  }
  return Array.from(found, ([value, description]) => ({ value, description }));
}

async function queuedCompletions(home: string | undefined): Promise<Completion[]> {
  const lines = await asked(home, (api, signal) => api.call("outbox", {}, { signal }));
  const endings = shortestEndings(lines.map(({ id }) => id));
  return lines.map(({ id, to, text }) => ({
    value: sanitiseName(endings.get(id) ?? id),
    description: sanitiseName(`to ${to?.name ?? ""}: ${text.slice(0, MAX_TEXT_CHARACTERS)}`),
  }));
}

async function asked<T>(
  home: string | undefined,
  ask: (api: Api, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const api = connectApi(pathsOf(home).socket);
  try {
    return await ask(api, AbortSignal.timeout(PATIENCE_MS));
  } finally {
    await api.close();
  }
}

function bare(value: string): Completion {
  return { value: sanitiseName(value), description: "" };
}

import { isIPv4 } from "node:net";
import { Core } from "../core/core.js";
import type { TakesMessages } from "../core/io.js";
import type { Limits } from "../core/limits.js";
import type { HandshakeSuite } from "../crypto/handshake.js";
import { type Verify, verifyEd25519 } from "../crypto/identity.js";
import { noiseSuite } from "../crypto/noise.js";
import type { RandomSource } from "../crypto/random.js";
import { systemRandom } from "../crypto/systemRandom.js";
import { UdpchatError } from "../errors.js";
import type { Lan, LanAddress, LanHandlers, LanOptions } from "../net/lan.js";
import { openLan } from "../net/nodeLan.js";
import type { GroupKeyStore } from "../store/groupKeys.js";
import { type Paths, pathsOf } from "../store/paths.js";
import { assertNoOtherDaemon } from "../store/pidFile.js";
import { memoryStore, openStore, type Store } from "../store/store.js";
import {
  DEFAULT_DATA_PORT,
  DEFAULT_DISCOVERY_PORT,
  DISCOVERY_GROUP_ADDRESS,
} from "../wire/constants.js";
import { type Clock, systemClock } from "./clock.js";
import { addressOf, type LookUp, lookUpHost } from "./hostLookup.js";
import { type KeptMessages, openKeptMessages } from "./keptMessages.js";
import { checkedNickname, defaultNickname } from "./nickname.js";
import { Preferences } from "./preferences.js";
import { checkedPort } from "./target.js";
import { TrustBook } from "./trustBook.js";
import type { ChangeableOptions, MessengerOptions, Warning } from "./types.js";

/** What a messenger gets from outside itself; each can be replaced by a test. */
export interface MessengerParts {
  readonly openLan: (options: LanOptions, handlers: LanHandlers) => Promise<Lan>;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly lookUp: LookUp;
  readonly suite: HandshakeSuite;
  readonly verify: Verify;
  /** What outlasts the process beside the messages; `paths` is undefined without a home. */
  readonly openHome: (paths: Paths | undefined, random: RandomSource) => Promise<Store>;
  readonly openMessages: typeof openKeptMessages;
  /** Bounds of the core, tighter than its own. */
  readonly limits: Partial<Limits>;
}

/** Everything a messenger consists of, opened and in agreement. */
export interface OpenedParts {
  readonly core: Core;
  readonly lan: Lan;
  readonly clock: Clock;
  readonly lookUp: LookUp;
  readonly preferences: Preferences;
  readonly groupKeys: GroupKeyStore;
  readonly trust: TrustBook;
  readonly messages: KeptMessages;
  readonly warnings: Warnings;
}

/** What goes less well than asked for: while a messenger opens, and later. */
export class Warnings {
  /** Bounded by what can fail while opening. */
  readonly early: Warning[] = [];
  #tell: (warning: Warning) => void = (warning) => void this.early.push(warning);

  /** Where warnings go from now on. */
  follow(tell: (warning: Warning) => void): void {
    this.#tell = tell;
  }

  readonly tell = (warning: Warning): void => this.#tell(warning);
}

/** What a datagram of 1200 bytes takes of a Linux receive buffer (skb truesize, measured). */
const DATAGRAM_BUFFER_BYTES = 2304;

/**
 * Opens everything in the order of dependence; what was opened is closed if a later part fails.
 * @param takesMessages somebody reads what others write to us
 */
export async function openParts(
  options: MessengerOptions,
  replaced: Partial<MessengerParts>,
  handlers: LanHandlers,
  takesMessages: TakesMessages,
): Promise<OpenedParts> {
  const { clock = systemClock, lookUp = lookUpHost, random = systemRandom } = replaced;
  const lanOptions = checkedLanOptions(options);
  const warnings = new Warnings();
  const { name, configuredPeers } = await checkedPreferences(options, lookUp, warnings.tell);
  const paths = options.ephemeral === true ? undefined : pathsOf(options.home);
  const store = await (replaced.openHome ?? openHome)(paths, random);
  // Two that announce one key would look like one peer that hops between two ports.
  if (paths !== undefined && options.announce !== false) await assertNoOtherDaemon(paths);
  const identity = store.identity();
  const trust = await TrustBook.load({ store: store.trust, self: identity.device, clock });
  for (const warning of trust.earlyWarnings) warnings.tell(warning);

  const openMessages = replaced.openMessages ?? openKeptMessages;
  const messages = await openMessages(options, paths, warnings.tell);
  let lan: Lan | undefined;
  try {
    lan = await (replaced.openLan ?? openLan)(lanOptions, handlers);
    if (lan.dataPortTaken) warnings.tell(portTaken(lanOptions.dataPort, lan.dataPort));
    const core = new Core(clock.nowMs(), {
      identity,
      verify: replaced.verify ?? verifyEd25519,
      handshakeSuite: replaced.suite ?? noiseSuite(identity),
      trust,
      random,
      name,
      dataPort: lan.dataPort,
      discoveryPort: lan.discoveryPort,
      startedAtMs: clock.wallMs(),
      announce: options.announce ?? true,
      takesMessages,
      configuredPeers,
      receiveCreditDatagrams: creditDatagrams(lan.receiveBufferBytes),
      groupLog: messages.store.log,
      limits: replaced.limits ?? {},
    });
    const { groupKeys } = store;
    const preferences = new Preferences(name, options);
    return { core, lan, clock, lookUp, preferences, groupKeys, trust, messages, warnings };
  } catch (error) {
    messages.close();
    await lan?.close();
    throw error;
  }
}

async function openHome(paths: Paths | undefined, random: RandomSource): Promise<Store> {
  return paths === undefined ? memoryStore(random) : openStore(paths, random);
}

function checkedLanOptions(options: MessengerOptions): LanOptions {
  const dataPort = checkedPort(options.port ?? DEFAULT_DATA_PORT, 0);
  const discoveryPort = checkedPort(options.discoveryPort ?? DEFAULT_DISCOVERY_PORT, 1);
  if (dataPort === discoveryPort) {
    throw new UdpchatError("INVALID_PORT", `data and discovery cannot share port ${dataPort}`, {
      remedy: "choose two different ports",
    });
  }
  return {
    dataPort,
    discoveryPort,
    discoveryGroup: DISCOVERY_GROUP_ADDRESS,
    ...(options.interfaces === undefined ? {} : { interfaces: options.interfaces }),
    ...(options.broadcasts === undefined ? {} : { broadcasts: options.broadcasts }),
  };
}

/**
 * What of them can be wrong, or has to be looked up.
 * @throws UdpchatError INVALID_NAME, INVALID_ARGUMENT, INVALID_TARGET
 */
export async function checkedPreferences(
  { name, broadcasts = [], peers = [] }: ChangeableOptions,
  lookUp: LookUp,
  warn: (warning: Warning) => void,
): Promise<{ readonly name: string; readonly configuredPeers: readonly LanAddress[] }> {
  const nickname = name === undefined ? defaultNickname() : checkedNickname(name);
  for (const broadcast of broadcasts) {
    if (isIPv4(broadcast)) continue;
    throw new UdpchatError("INVALID_ARGUMENT", `"${broadcast}" is not a broadcast address`, {
      remedy: "write it as 10.0.0.255",
    });
  }
  return { name: nickname, configuredPeers: await addressesOf(peers, lookUp, warn) };
}

/** A name that cannot be resolved now must not keep us from everybody else. */
async function addressesOf(
  targets: readonly string[],
  lookUp: LookUp,
  warn: (warning: Warning) => void,
): Promise<LanAddress[]> {
  const addresses: LanAddress[] = [];
  for (const target of targets) {
    try {
      addresses.push(await addressOf(target, lookUp));
    } catch (error) {
      if (!(error instanceof UdpchatError) || error.code !== "NAME_NOT_RESOLVED") throw error;
      const message = `the configured peer ${target} is left out: ${error.message}`;
      warn({ code: "NETWORK", message, peer: null });
    }
  }
  return addresses;
}

/** Half of what the buffer holds: the other half is for everybody else. */
function creditDatagrams(receiveBufferBytes: number): number {
  const halfOfBuffer = Math.floor(receiveBufferBytes / DATAGRAM_BUFFER_BYTES / 2);
  return Math.max(16, Math.min(256, halfOfBuffer));
}

function portTaken(wanted: number, got: number): Warning {
  const message = `port ${wanted} is taken by another program: using port ${got}`;
  return { code: "PORT_TAKEN", message, peer: null };
}

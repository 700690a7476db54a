import { setTimeout as delay } from "node:timers/promises";
import type { ExaminationLine, StatusLine } from "../api/lines.js";
import type { Api } from "../api/operations.js";
import { OnLinkTest } from "../net/interfaces.js";
import type { LanInterface } from "../net/lan.js";
import {
  DEFAULT_DATA_PORT,
  DEFAULT_GROUP_ADDRESS,
  DISCOVERY_GROUP_ADDRESS,
  EXAMINATION_GROUP_ADDRESS,
} from "../wire/constants.js";
import { type Examined, examineAll, findPeers } from "./examining.js";
import { byImportance, type Finding } from "./finding.js";
import { checkHost } from "./hostCheck.js";
import { withoutConsequences } from "./judgements/consequences.js";
import { explainByFirewall, judgeHiddenFirewall } from "./judgements/firewall.js";
import { judgeNeighbour, judgeNobody } from "./judgements/neighbours.js";
import { judgeExamination, judgeOwnClock } from "./judgements/peers.js";
import { MulticastWatch } from "./judgements/watch.js";
import { BEACONS_WITHIN_MS, isAt, listenForSilent, type Wanted } from "./listening.js";
import { DiscoveryEar } from "./probes/discoveryEar.js";
import { type Neighbour, Neighbours, unheard } from "./probes/neighbours.js";
import type { RunCommand } from "./system/command.js";
import { type FirewallFacts, readFirewall } from "./system/firewall.js";

/** What a doctor works with. */
export interface DoctorOptions {
  readonly api: Api;
  /** The daemon of this home answers; else a messenger of this process. */
  readonly runsDaemon: boolean;
  /** The data port that was asked for. */
  readonly wantedPort: number;
  readonly platform: NodeJS.Platform;
  readonly run: RunCommand;
  /** Path of the program that others' datagrams are for: firewalls go by it. */
  readonly program: string;
  readonly signal: AbortSignal;
  /** For people who wait. */
  readonly remark: (text: string) => Promise<void>;
}

/** What was found, the most important first, and what it rests on. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly examinations: readonly ExaminationLine[];
}

/** Heard on every interface as long as the doctor is there. */
const GROUPS = [DISCOVERY_GROUP_ADDRESS, DEFAULT_GROUP_ADDRESS, EXAMINATION_GROUP_ADDRESS];
/** A watch looks 30 times, but neither more nor less often than this. */
const WATCH_ROUNDS = 30;
const MIN_WATCH_EVERY_MS = 2_000;
const MAX_WATCH_EVERY_MS = 10_000;

/** Examines this host, its network and those on it. */
export class Doctor {
  readonly #options: DoctorOptions;
  readonly #status: StatusLine;
  /** Loopback only where there is nothing else. */
  readonly #interfaces: readonly LanInterface[];
  readonly #ear: DiscoveryEar;
  readonly #neighbours: Neighbours;

  /** @throws UdpchatError PORT_IN_USE if the discovery port is not shared, NETWORK_UNAVAILABLE */
  static async open(options: DoctorOptions): Promise<Doctor> {
    const status = await options.api.call("status", {}, { signal: options.signal });
    const used = status.interfaces.map((entry) => ({
      ...entry,
      broadcast: entry.broadcast ?? undefined,
    }));
    const beyond = used.filter(({ loopback }) => !loopback);
    const interfaces = beyond.length === 0 ? used : beyond;
    const { discoveryPort } = status;
    const ear = await DiscoveryEar.open(interfaces, GROUPS, discoveryPort);
    try {
      const neighbours = await Neighbours.open(ear, interfaces, discoveryPort);
      return new Doctor(options, status, interfaces, ear, neighbours);
    } catch (error) {
      await ear.close();
      throw error;
    }
  }

  private constructor(
    options: DoctorOptions,
    status: StatusLine,
    interfaces: readonly LanInterface[],
    ear: DiscoveryEar,
    neighbours: Neighbours,
  ) {
    this.#options = options;
    this.#status = status;
    this.#interfaces = interfaces;
    this.#ear = ear;
    this.#neighbours = neighbours;
  }

  /**
   * Looks at everything; takes some 3 s, and longer where somebody does not answer.
   * @param target a peer that it is about; default: those who answer
   * @throws UdpchatError what naming a peer can end in, if that peer is not heard either
   */
  async diagnose(target: string | undefined): Promise<Diagnosis> {
    const { platform, run, program, runsDaemon, wantedPort } = this.#options;
    const names = [...new Set(this.#interfaces.map(({ name }) => name))];
    const firewall = await readFirewall(platform, run, program, names);
    const [host, peers] = await Promise.all([
      checkHost({
        status: this.#status,
        interfaces: this.#interfaces,
        ear: this.#ear,
        firewall,
        wantedPort,
        runsDaemon,
        platform,
        run,
      }),
      target === undefined
        ? this.#diagnoseThoseThere(firewall)
        : this.#diagnosePeer(target, firewall),
    ]);
    const { examinations } = peers;
    const found = [...host, ...judgeOwnClock(examinations, platform), ...peers.findings];
    const findings = withoutConsequences(found);
    const isSuspect = examinations.length === 0 || findings.some(isProblem);
    if (isSuspect) findings.push(...judgeHiddenFirewall(firewall));
    return { findings: byImportance(findings), examinations };
  }

  /**
   * Examines again and again, and tells when multicast stops and when it comes back.
   * @param first what was found of those whose multicast is to arrive here
   */
  async watch(
    first: readonly ExaminationLine[],
    durationMs: number,
    tell: (finding: Finding) => Promise<void>,
  ): Promise<void> {
    const { signal } = this.#options;
    const wantedMs = durationMs / WATCH_ROUNDS;
    const everyMs = Math.min(Math.max(wantedMs, MIN_WATCH_EVERY_MS), MAX_WATCH_EVERY_MS);
    const untilMs = performance.now() + durationMs;
    const targets = first.map(({ peer }) => `${peer.address}:${peer.port}`);
    const watch = new MulticastWatch(Date.now());
    for (const one of first) watch.observe(Date.now(), one);
    while (!signal.aborted) {
      const nextMs = performance.now() + everyMs;
      // A round may fail, as a peer that is gone or busy may: the next one tells.
      const { examinations } = await examineAll(this.#options.api, targets, signal);
      if (signal.aborted) return;
      for (const one of examinations) {
        for (const found of watch.observe(Date.now(), one)) await tell(found);
      }
      if (nextMs > untilMs) return;
      const leftMs = Math.max(0, nextMs - performance.now());
      await delay(leftMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await this.#neighbours.close();
    await this.#ear.close();
  }

  async #diagnoseThoseThere(firewall: FirewallFacts): Promise<Diagnosis> {
    const { api, signal } = this.#options;
    const { peers, doubtful } = await findPeers(api, signal);
    const { examinations, failed } = await this.#examine(peers.map(({ id }) => id));
    const silent = peers.filter(({ id }) => failed.some(({ target }) => target === id));
    if (peers.length > 0 && silent.length + doubtful.length === 0) {
      return { findings: this.#judgeExaminations(examinations), examinations };
    }
    const heard = await this.#listen(silent, doubtful, () => true);
    const lost = silent.filter((one) => !heard.some((other) => isAt(other, one))).map(unheard);
    const diagnosis = await this.#tryAgain([...heard, ...lost], examinations, firewall);
    if (diagnosis.findings.length > 0) return diagnosis;
    return { ...diagnosis, findings: [judgeNobody(BEACONS_WITHIN_MS)] };
  }

  async #diagnosePeer(target: string, firewall: FirewallFacts): Promise<Diagnosis> {
    const { examinations, failed } = await this.#examine([target]);
    const [failure] = failed;
    if (failure === undefined) {
      return { findings: this.#judgeExaminations(examinations), examinations };
    }
    // Blocked, or another key: that is no matter of the network.
    if (failure.error.fault === "peer") throw failure.error;
    const place = await this.#placeOf(target);
    const heard = await this.#listen(
      place === undefined ? [] : [place],
      [],
      (one) => isNamed(one, target) || (place !== undefined && isAt(one, place)),
    );
    const judged = heard.length > 0 || place === undefined ? heard : [unheard(place)];
    if (judged.length === 0) throw failure.error;
    return await this.#tryAgain(judged, examinations, firewall);
  }

  /**
   * Examines who answers by unicast alone: he did not hear what we asked everybody, or we not what he
   * said. Judges all others by what was heard of them.
   */
  async #tryAgain(
    heard: readonly Neighbour[],
    before: readonly ExaminationLine[],
    firewall: FirewallFacts,
  ): Promise<Diagnosis> {
    const isIn = (examined: readonly ExaminationLine[], one: Neighbour): boolean =>
      examined.some(({ peer }) => isAt(peer, one));
    const reached = heard.filter((one) => one.answered && !isIn(before, one));
    const later = await this.#examine(reached.map(({ address, port }) => `${address}:${port}`));
    const examinations = [...before, ...later.examinations];
    const others = heard.filter((one) => !isIn(examinations, one));
    const findings = [
      ...this.#judgeExaminations(examinations),
      ...others.flatMap((one) => this.#judgeNeighbour(one, firewall)),
    ];
    return { findings, examinations };
  }

  /** @throws UdpchatError what is the caller's fault or ours: nothing was examined then */
  async #examine(targets: readonly string[]): Promise<Examined> {
    const { api, signal } = this.#options;
    const examined = await examineAll(api, targets, signal);
    const ours = examined.failed.find(
      ({ error: { fault } }) => fault === "usage" || fault === "ours",
    );
    if (ours !== undefined) throw ours.error;
    return examined;
  }

  async #listen(
    wanted: readonly Wanted[],
    doubtful: readonly Wanted[],
    isMeant: (neighbour: Neighbour) => boolean,
  ): Promise<Neighbour[]> {
    const { signal, remark } = this.#options;
    if (!signal.aborted) await remark("listening for who does not answer, for up to 13 s");
    const [neighbours, status] = [this.#neighbours, this.#status];
    return await listenForSilent({ neighbours, status, isMeant, wanted, doubtful, signal });
  }

  #judgeExaminations(examinations: readonly ExaminationLine[]): Finding[] {
    return examinations.flatMap((one) => judgeExamination(one, this.#options.platform));
  }

  #judgeNeighbour(neighbour: Neighbour, firewall: FirewallFacts): Finding[] {
    const ports = { data: this.#status.port, discovery: this.#status.discoveryPort };
    const isBehind = (one: LanInterface): boolean => new OnLinkTest([one]).has(neighbour.address);
    const entry = this.#interfaces.find(isBehind);
    const explanation =
      entry === undefined
        ? undefined
        : explainByFirewall(firewall, ports, "unicast", entry, neighbour.address);
    return judgeNeighbour(neighbour, explanation, this.#options.platform);
  }

  /** Where a target is: an address as it stands, or as the roster has it. */
  async #placeOf(target: string): Promise<Wanted | undefined> {
    const [, address, port] = /^(\d+\.\d+\.\d+\.\d+)(?::(\d+))?$/.exec(target) ?? [];
    if (address !== undefined) return { address, port: Number(port ?? DEFAULT_DATA_PORT) };
    const { api, signal } = this.#options;
    const peers = await api.call("peers", {}, { signal });
    return peers.find((peer) => isNamed(peer, target));
  }
}

function isProblem({ severity }: Finding): boolean {
  return severity === "problem";
}

/** As `send` takes it: a nickname in any case, or the first digits of an id. */
function isNamed(one: Pick<Neighbour, "id" | "name">, target: string): boolean {
  const wanted = target.toLowerCase();
  const byId = /^[0-9a-f]{4,64}$/.test(wanted) && one.id?.startsWith(wanted) === true;
  return byId || one.name?.toLowerCase() === wanted;
}

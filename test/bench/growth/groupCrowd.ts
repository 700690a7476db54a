import { type CoreContext, TRUST_NOTHING } from "../../../src/core/context.js";
import { Counters } from "../../../src/core/counters.js";
import { parseGroupName } from "../../../src/core/groups/groupName.js";
import { Groups } from "../../../src/core/groups/groups.js";
import type { GroupNote } from "../../../src/core/groups/groupsContext.js";
import {
  type Address,
  type Destination,
  Outputs,
  type Token,
  type Transmit,
} from "../../../src/core/io.js";
import { DEFAULT_LIMITS } from "../../../src/core/limits.js";
import { SourceGate } from "../../../src/core/sourceGate.js";
import { randomHex } from "../../../src/crypto/random.js";
import { DEFAULT_DATA_PORT, INCARNATION_BYTES } from "../../../src/wire/constants.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";
import { noteRecord } from "../../support/groupBus.js";
import { KeptLog } from "../../support/keptLog.js";
import { SeededRandom } from "../../support/seededRandom.js";
import { simIdentity } from "../../support/simIdentity.js";
import { CALM, EPOCH_MS, SimMedium, type Station } from "../../support/simMedium.js";

const GROUP = parseGroupName("224.0.1.100", 22401);
const SESSION_MS = 5;

/**
 * Members of one group on one LAN, who all know that the others are running: groups, and nothing
 * else of a core. Signatures are not checked: nobody forges here.
 */
export class GroupCrowd {
  readonly members: readonly CrowdMember[];
  /** Hears every datagram that is sent. */
  sent: (transmit: Transmit) => void = () => undefined;
  /** True for what is lost on its way to a member. */
  loses: (to: CrowdMember, transmit: Transmit) => boolean = () => false;
  /** Notes that sessions carry, of what one member tells another one. */
  notes = 0;
  readonly #medium: SimMedium<CrowdMember>;
  readonly #byDevice: ReadonlyMap<string, CrowdMember>;
  readonly #byIncarnation: ReadonlyMap<string, CrowdMember>;

  constructor(seed: number, count: number) {
    const random = new SeededRandom(seed);
    this.#medium = new SimMedium({
      faults: () => CALM,
      random: () => random,
      passes: (_from, to, transmit) => !this.loses(to, transmit),
      sent: (_from, transmit) => this.sent(transmit),
    });
    this.members = Array.from({ length: count }, (_, i) => new CrowdMember(i, random, this));
    this.#byDevice = new Map(this.members.map((member) => [member.device, member]));
    this.#byIncarnation = new Map(this.members.map((member) => [member.incarnation, member]));
    this.#medium.stations.push(...this.members);
    for (const { groups } of this.members) groups.join(0, GROUP);
    for (const member of this.members) this.pump(member);
  }

  get nowMs(): number {
    return this.#medium.nowMs;
  }

  say(member: CrowdMember, text: string): void {
    member.say(this.nowMs, text);
    this.pump(member);
  }

  run(spanMs: number): void {
    const endMs = this.nowMs + spanMs;
    while (this.#medium.step(endMs)) {
      // goes on
    }
  }

  /** Where somebody has shown that he is. */
  placeOf(incarnation: string): Address | undefined {
    return this.#byIncarnation.get(incarnation)?.address;
  }

  /** Sessions lose nothing. */
  carry(from: CrowdMember, { kind, target, body }: GroupNote): void {
    this.notes += 1;
    const to = target.kind === "device" ? this.#byDevice.get(target.id) : undefined;
    if (to === undefined) return;
    const record = noteRecord(kind, Uint8Array.from(body));
    this.#medium.agenda.add(this.nowMs + SESSION_MS, () => {
      const ref = { id: from.device, name: from.name, ...from.address };
      to.groups.receiveNote(this.nowMs, ref, record);
      this.pump(to);
    });
  }

  /** What a driver does after a turn. */
  pump(member: CrowdMember): void {
    const { transmits, wakeAtMs } = member.poll(this.nowMs);
    for (const transmit of transmits) this.#medium.send(member, transmit);
    if (wakeAtMs === Number.POSITIVE_INFINITY || wakeAtMs === member.wakeAtMs) return;
    member.wakeAtMs = wakeAtMs;
    this.#medium.agenda.add(Math.max(wakeAtMs, this.nowMs), () => {
      if (member.wakeAtMs !== wakeAtMs) return; // a later poll moved it
      member.wakeAtMs = Number.POSITIVE_INFINITY;
      member.groups.wake(this.nowMs);
      this.pump(member);
    });
  }
}

/** One of them. */
export class CrowdMember implements Station {
  readonly name: string;
  readonly address: Address;
  readonly groups: Groups;
  wakeAtMs = Number.POSITIVE_INFINITY;
  /** Lines of others that were handed on. */
  lines = 0;
  readonly #crowd: GroupCrowd;
  readonly #context: CoreContext;
  readonly #log = new KeptLog();
  #said = 0;

  constructor(index: number, random: SeededRandom, crowd: GroupCrowd) {
    this.name = `member ${index}`;
    this.address = { address: `10.77.${index >> 8}.${index & 255}`, port: DEFAULT_DATA_PORT };
    this.#crowd = crowd;
    this.#context = {
      identity: simIdentity(this.name),
      verify: () => true,
      trust: TRUST_NOTHING,
      gate: new SourceGate(DEFAULT_LIMITS),
      random,
      incarnation: randomHex(random, INCARNATION_BYTES),
      startedAtMs: EPOCH_MS,
      name: this.name,
      dataPort: DEFAULT_DATA_PORT,
      limits: DEFAULT_LIMITS,
      counters: new Counters(),
      outputs: new Outputs(),
    };
    this.groups = new Groups(0, this.#context, this.#log, {
      announces: true,
      announcedIn: () => [],
      provenAddressOf: ({ incarnation }) => crowd.placeOf(incarnation),
      confirm: () => undefined,
      addressOf: () => undefined,
      isPresent: () => true,
      challenge: () => undefined,
      sendNote: (_nowMs, note) => crowd.carry(this, note),
      cancelNote: (_nowMs, _token: Token) => undefined,
    });
  }

  get device(): string {
    return this.#context.identity.device;
  }

  get incarnation(): string {
    return this.#context.incarnation;
  }

  /** Other members that it knows. */
  get known(): number {
    return this.groups.memberCount;
  }

  listensTo(destination: Destination): boolean {
    return destination.kind !== "unicast" || destination.to.address === this.address.address;
  }

  receive({ bytes, destination }: Transmit, from: Address): void {
    const via = destination.kind === "unicast" ? "data" : "group";
    this.groups.receive(this.#crowd.nowMs, { bytes, from, onLink: true, via });
    this.#crowd.pump(this);
  }

  say(nowMs: number, text: string): void {
    this.#said += 1;
    const sentAtMs = EPOCH_MS + Math.round(nowMs);
    const line = { body: encodeUtf8(text), sentAtMs, messageSequence: this.#said };
    this.groups.say(GROUP.groupId, line);
  }

  poll(nowMs: number): { readonly transmits: readonly Transmit[]; readonly wakeAtMs: number } {
    this.groups.flush(nowMs);
    const { events, transmits } = this.#context.outputs.drain();
    this.#log.settle(events);
    this.lines += events.filter(({ kind }) => kind === "groupMessage").length;
    return { transmits, wakeAtMs: this.groups.nextWakeMs() };
  }
}

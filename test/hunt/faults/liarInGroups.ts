import { type GroupName, parseGroupName } from "../../../src/core/groups/groupName.js";
import type { Address, Destination } from "../../../src/core/io.js";
import { randomHex } from "../../../src/crypto/random.js";
import { DEFAULT_DATA_PORT, DEFAULT_DISCOVERY_PORT } from "../../../src/wire/constants.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";
import { encodeGroupData, encodeGroupHeartbeat, encodeGroupNack } from "../../../src/wire/group.js";
import { readingAt } from "../../../src/wire/hybridReading.js";
import { laterIdentity, NO_LINE } from "../../support/laterVersion.js";
import { EPOCH_MS } from "../../support/simMedium.js";
import { oneOf, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";
import { anyNumber, signedBy, victimOf } from "./forge.js";
import { LAST_NUMBER, type Persona } from "./liarPersona.js";

/** The last reading that moves clocks: PROTOCOL 6.2. */
export const LATEST_READING = readingAt(5_680_281_600_000);
/** Of what he says, the share that is no line to version 1. */
const NO_LINE_SHARE = 0.3;

/** Every group that somebody is in. */
export function groupsOf(world: HuntWorld): GroupName[] {
  const labels = new Map(world.hosts.flatMap(({ groups }) => [...groups]));
  return [...labels].map(([label, secret]) =>
    parseGroupName(label, DEFAULT_DISCOVERY_PORT, { secret }),
  );
}

export function anyGroup({ world, attacker }: Persona, secret = false): GroupName | undefined {
  const groups = groupsOf(world).filter((group) => group.secret === secret);
  return groups.length === 0 ? undefined : oneOf(attacker.chance, groups);
}

/** What a liar says in open groups. */
export class LiarInGroups {
  readonly #persona: Persona;
  /** Of lines in a group, by its id. Bounded by the groups. */
  readonly #lines = new Map<string, number>();
  /** Which start of his these are of. */
  #start = 1;

  constructor(persona: Persona) {
    this.#persona = persona;
  }

  get #chance() {
    return this.#persona.attacker.chance;
  }

  /** The last line of his in a group. */
  #said(groupId: string): number {
    if (this.#start !== this.#persona.starts) this.#lines.clear();
    this.#start = this.#persona.starts;
    return this.#lines.get(groupId) ?? this.#persona.character.numbersFrom - 1;
  }

  /** To the group, or to one of its members alone. */
  #toGroup(group: GroupName, bytes: Uint8Array, source?: Address): void {
    const toAll = this.#chance.uniform() < 0.8;
    this.#persona.attacker.send(bytes, toAll ? byMulticast(group) : this.#toAnybody(), source);
  }

  #toAnybody(): Destination {
    return { kind: "unicast", to: this.#persona.attacker.hostAddress() };
  }

  heartbeat(): void {
    const group = anyGroup(this.#persona);
    if (group === undefined) return;
    const chance = this.#chance;
    const said = this.#said(group.groupId);
    const lead = chance.uniform() < 0.7 ? said : Math.min(LAST_NUMBER, said + anyNumber(chance));
    const bytes = this.#heartbeatOf(group, {
      hello: chance.uniform() < 0.3,
      leaving: chance.uniform() < 0.1,
      wantsCopies: chance.uniform() < 0.4,
      lead,
      trail: Math.min(lead, oneOf(chance, [1, lead, lead + 1])),
    });
    const isAsVictim = chance.uniform() < 0.3;
    const { attacker } = this.#persona;
    this.#toGroup(group, bytes, isAsVictim ? attacker.sourceOf("nowhere") : attacker.address);
  }

  /** Every member shall send him what it says by unicast as well. */
  askForCopies(): void {
    const group = anyGroup(this.#persona);
    if (group === undefined) return;
    const { attacker, world } = this.#persona;
    const lead = this.#said(group.groupId);
    const how = { hello: false, leaving: false, wantsCopies: true, lead, trail: lead };
    attacker.send(this.#heartbeatOf(group, how), byMulticast(group));
    for (const { card, plan } of world.hosts) {
      const to = { address: card.address ?? plan.address, port: plan.dataPort };
      attacker.send(this.#heartbeatOf(group, how), { kind: "unicast", to });
    }
  }

  #heartbeatOf(
    { groupId }: GroupName,
    how: {
      readonly hello: boolean;
      readonly leaving: boolean;
      readonly wantsCopies: boolean;
      readonly lead: number;
      readonly trail: number;
    },
  ): Uint8Array {
    const { instance, startedAtMs, character, crypto } = this.#persona;
    const bytes = encodeGroupHeartbeat({
      groupId,
      ...instance,
      sequence: this.#persona.nextSequence(),
      startedAtMs,
      ...how,
      digest: randomHex(this.#chance, 8),
      intervalMs: character.intervalMs,
      dataPort: DEFAULT_DATA_PORT,
      name: character.name,
    });
    return signedBy(crypto.identity, bytes);
  }

  #reading(): number {
    switch (this.#persona.character.hlc) {
      case "now":
        return readingAt(EPOCH_MS + this.#persona.world.nowMs);
      case "latest":
        return LATEST_READING - wholeBetween(this.#chance, 0, 3);
      case "absurd":
        return LAST_NUMBER;
      case "none":
        return 0;
    }
  }

  say(): void {
    const group = anyGroup(this.#persona);
    const { character, instance, stranger, world, crypto } = this.#persona;
    if (group === undefined || !character.talks) return;
    const chance = this.#chance;
    const skipped = oneOf(chance, [0, 0, 0, 1, 300]);
    const sequence = this.#said(group.groupId) + 1 + skipped;
    if (sequence > LAST_NUMBER) return;
    this.#lines.set(group.groupId, sequence);
    const text = world.ledger.newText(`mallory in ${group.label}`);
    stranger.said.add(text);
    if (character.hlc === "absurd" || character.hlc === "none") stranger.misplaced.add(text);
    const isNoLine = chance.uniform() < NO_LINE_SHARE;
    const unsigned = encodeGroupData({
      groupId: group.groupId,
      ...instance,
      sequence,
      name: character.name,
      entries: [
        {
          messageSequence: this.#persona.nextMessage(),
          sentAtMs: anyNumber(chance),
          hlc: this.#reading(),
          continues: false,
          continued: false,
          body: encodeUtf8(isNoLine ? `${NO_LINE}${text}` : text),
        },
      ],
    });
    const signer = isNoLine ? laterIdentity(crypto.identity, chance) : crypto.identity;
    this.#toGroup(group, signedBy(signer, unsigned));
  }

  /** All that a victim ever said is missing. */
  nack(): void {
    const group = anyGroup(this.#persona);
    const victim = victimOf(this.#persona.attacker);
    if (group === undefined || victim === undefined) return;
    const { device, incarnation } = victim.beacon;
    const unsigned = encodeGroupNack({
      groupId: group.groupId,
      ...this.#persona.instance,
      sequence: this.#persona.nextSequence(),
      of: { device, incarnation },
      missing: [{ first: 1, last: oneOf(this.#chance, [1, 64, 100_000, LAST_NUMBER]) }],
    });
    this.#toGroup(group, signedBy(this.#persona.crypto.identity, unsigned));
  }
}

function byMulticast({ address, port }: GroupName): Destination {
  return { kind: "multicast", to: { address, port } };
}

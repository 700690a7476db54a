import { randomHex } from "../../../src/crypto/random.js";
import type { Instance } from "../../../src/wire/presence.js";
import { EPOCH_MS } from "../../support/simMedium.js";
import { type Attacker, attackerOf } from "../attacker.js";
import type { Stranger } from "../ledger.js";
import { oneOf, type Scene, wholeBetween } from "../plan.js";
import type { SimCrypto } from "../simHome.js";
import type { HuntWorld } from "../world.js";

const LONGEST_INTERVAL_MS = 30_000;
export const LAST_NUMBER = 2 ** 53 - 1;

/** How somebody lies. */
export interface Character {
  readonly everyMs: number;
  /** Questions and calls. */
  readonly answers: boolean;
  readonly talks: boolean;
  readonly hlc: "now" | "latest" | "absurd" | "none";
  readonly numbersFrom: number;
  readonly intervalMs: number;
  readonly saysGoodbye: boolean;
  readonly name: string;
  /** Calls somebody whatever else he does. */
  readonly insists: boolean;
  /** Is somebody else every moment, and wants copies as each of them. */
  readonly isRestless: boolean;
}

export function drawnCharacter({ random }: Scene): Character {
  const character = {
    everyMs: oneOf(random, [50, 200, 1_000]),
    answers: random.uniform() < 0.8,
    talks: random.uniform() < 0.8,
    hlc: oneOf(random, ["now", "now", "latest", "absurd", "none", "none"]),
    numbersFrom: oneOf(random, [1, 1, 1000, LAST_NUMBER - 2000]),
    intervalMs: oneOf(random, [0, 1_000, 12_500, LONGEST_INTERVAL_MS]),
    saysGoodbye: random.uniform() < 0.5,
    name: oneOf(random, ["mallory", "ada", "", "\u202Eada"]),
    insists: random.uniform() < 0.25,
    isRestless: random.uniform() < 0.3,
  } satisfies Character;
  // What he asks for is to last.
  return character.isRestless ? { ...character, intervalMs: LONGEST_INTERVAL_MS } : character;
}

/** Who a liar says that he is, in everything that he says. */
export class Persona {
  readonly world: HuntWorld;
  readonly attacker: Attacker;
  readonly crypto: SimCrypto;
  readonly character: Character;
  /** How often he started anew. */
  starts = 1;
  startedAtMs: number;
  #incarnation: string;
  #sequence: number;
  #messages = 1;

  constructor(world: HuntWorld, character: Character) {
    this.world = world;
    this.attacker = attackerOf(world);
    this.crypto = this.attacker.crypto;
    this.character = character;
    this.#sequence = character.numbersFrom;
    this.#incarnation = randomHex(this.attacker.chance, 8);
    this.startedAtMs = EPOCH_MS + Math.floor(world.nowMs);
  }

  get instance(): Instance {
    return { device: this.crypto.identity.device, incarnation: this.#incarnation };
  }

  /** What is known of him. */
  get stranger(): Stranger {
    return this.world.ledger.stranger(this.crypto.identity.device);
  }

  startAnew(): void {
    const { chance } = this.attacker;
    const leastMs = this.character.isRestless ? 1 : -5;
    this.starts += 1;
    this.#incarnation = randomHex(chance, 8);
    this.startedAtMs += wholeBetween(chance, leastMs, 5_000);
    this.#sequence = this.character.numbersFrom;
  }

  nextSequence(): number {
    this.#sequence = Math.min(LAST_NUMBER, this.#sequence + 1);
    return this.#sequence;
  }

  nextMessage(): number {
    this.#messages += 1;
    return this.#messages;
  }
}

import type { Address, Destination, Transmit } from "../../../src/core/io.js";
import { randomHex } from "../../../src/crypto/random.js";
import { DatagramType } from "../../../src/wire/constants.js";
import { datagramType } from "../../../src/wire/header.js";
import {
  decodeQuery,
  encodeAnswer,
  encodeBeacon,
  encodeLeave,
} from "../../../src/wire/presence.js";
import type { Station } from "../../support/simMedium.js";
import type { Attacker } from "../attacker.js";
import { type Ingredient, moments, oneOf } from "../plan.js";
import type { HuntWorld } from "../world.js";
import { type Drawn, during } from "./attack.js";
import { signedBy } from "./forge.js";
import { groupsOf, LiarInGroups } from "./liarInGroups.js";
import { LiarInSessions } from "./liarInSessions.js";
import { type Character, drawnCharacter, Persona } from "./liarPersona.js";
import { beaconOf } from "./liarWords.js";

const LONGEST_MS = 30_000;
/** A restless one is proven by then, and asks for copies; then he is somebody else. */
const ACTS_PER_START = 4;

/** Somebody with a key of his own who takes part, and lies. */
export const STRANGER: Ingredient = {
  name: "stranger",
  draw: (scene) =>
    moments(scene, 2).map((atMs): Drawn => {
      const character = drawnCharacter(scene);
      return during(
        scene,
        atMs,
        LONGEST_MS,
        `lies every ${character.everyMs} ms, ${JSON.stringify(character)}`,
        (world) => new Liar(world, character).live(),
      );
    }),
};

class Liar implements Station {
  readonly name = "liar";
  readonly #world: HuntWorld;
  readonly #attacker: Attacker;
  readonly #character: Character;
  readonly #persona: Persona;
  readonly #groups: LiarInGroups;
  readonly #sessions: LiarInSessions;
  /** Where he pretends to be, for others to write to. */
  readonly #elsewhere: Address;
  /** Of a restless one. */
  #acts = 0;
  #over = false;

  constructor(world: HuntWorld, character: Character) {
    this.#world = world;
    this.#character = character;
    this.#persona = new Persona(world, character);
    this.#attacker = this.#persona.attacker;
    this.#elsewhere = this.#attacker.sourceOf("nowhere");
    this.#groups = new LiarInGroups(this.#persona);
    this.#sessions = new LiarInSessions(this.#persona);
  }

  get address(): Address {
    return this.#attacker.address;
  }

  /** Until the returned function is called. */
  live(): () => void {
    const gone = this.#world.listen(this);
    this.#beacon(this.#somewhere());
    this.#act();
    return () => {
      if (this.#character.saysGoodbye) this.#leave();
      this.#over = true;
      gone();
    };
  }

  #stay(): void {
    const { intervalMs } = this.#character;
    this.#persona.stranger.goneByMs =
      this.#world.nowMs + 2.25 * Math.max(1_000, intervalMs) + 65_000;
  }

  #act(): void {
    if (this.#over || this.#world.peaceSinceMs !== undefined) return;
    this.#stay();
    if (this.#character.isRestless) this.#moveOn();
    else this.#lie();
    if (this.#character.insists) this.#dial();
    this.#world.at(this.#world.nowMs + this.#character.everyMs, () => this.#act());
  }

  #lie(): void {
    const acts = [
      () => this.#beacon(this.#somewhere()),
      () => this.#groups.heartbeat(),
      () => this.#groups.heartbeat(),
      () => this.#groups.say(),
      () => this.#groups.say(),
      () => this.#groups.nack(),
      () => this.#dial(),
      () => this.#sessions.speak(),
      () => this.#sessions.speak(),
      () => this.#sessions.speak(),
      () => this.#sessions.speak(),
      () => this.#mayStartAnew(),
    ];
    oneOf(this.#attacker.chance, acts)();
  }

  #dial(): void {
    this.#sessions.calls.dial(this.#attacker.hostAddress());
  }

  #mayStartAnew(): void {
    if (this.#attacker.chance.uniform() >= 0.7) this.#startAnew();
  }

  #startAnew(): void {
    this.#persona.startAnew();
    this.#beacon(this.address);
  }

  /** Known to all as one, and with copies for it, he is another one. */
  #moveOn(): void {
    if (this.#acts % ACTS_PER_START === 0) this.#startAnew();
    else if (this.#acts % ACTS_PER_START >= ACTS_PER_START / 2) this.#groups.askForCopies();
    this.#acts += 1;
  }

  listensTo(destination: Destination): boolean {
    const { address, port } = this.address;
    if (!("to" in destination)) return true;
    return destination.to.address === address && destination.to.port === port;
  }

  receive({ bytes }: Transmit, from: Address): void {
    if (!this.#character.answers || this.#over) return;
    try {
      this.#answer(bytes, from);
    } catch {
      // Damaged, or sent by himself in another one's name.
    }
  }

  #answer(bytes: Uint8Array, from: Address): void {
    const { calls } = this.#sessions;
    switch (datagramType(bytes)) {
      case DatagramType.query: {
        const { nonce, dataPort } = decodeQuery(bytes);
        const answer = encodeAnswer({
          nonce,
          heldUs: oneOf(this.#attacker.chance, [0, 0, 0xffff_ffff]),
          announces: true,
          beacon: this.#nextBeacon(),
        });
        const to = { address: from.address, port: dataPort };
        return this.#send(answer, { kind: "unicast", to });
      }
      case DatagramType.handshakeInit:
        return calls.called(bytes, from);
      case DatagramType.cookie:
        return calls.asked(bytes);
      case DatagramType.handshakeResponse:
        return calls.answered(bytes);
      case DatagramType.handshakeFinish:
        return calls.finished(bytes);
      case DatagramType.sealed:
        return this.#sessions.sealed(bytes);
      default:
        return undefined;
    }
  }

  #send(unsigned: Uint8Array, destination: Destination, source = this.address): void {
    this.#attacker.send(signedBy(this.#persona.crypto.identity, unsigned), destination, source);
  }

  #nextBeacon() {
    const { attacker, instance, startedAtMs, crypto } = this.#persona;
    return beaconOf(crypto.identity, attacker, {
      ...instance,
      startedAtMs,
      sequence: this.#persona.nextSequence(),
      intervalMs: this.#character.intervalMs,
      name: this.#character.name,
      groups: groupsOf(this.#world)
        .map(({ groupId }) => ({ groupId, digest: randomHex(attacker.chance, 8) }))
        .slice(0, 12),
    });
  }

  #beacon(source: Address): void {
    this.#send(encodeBeacon(this.#nextBeacon()), { kind: "lan" }, source);
  }

  /** Where he is, or says that he is. */
  #somewhere(): Address {
    return this.#attacker.chance.uniform() < 0.6 ? this.address : this.#elsewhere;
  }

  #leave(): void {
    const sequence = this.#persona.nextSequence();
    this.#send(encodeLeave({ ...this.#persona.instance, sequence }), { kind: "lan" });
  }
}

import type { Address, Destination, Transmit } from "../../../src/core/io.js";
import { DatagramType } from "../../../src/wire/constants.js";
import { datagramType } from "../../../src/wire/header.js";
import type { Station } from "../../support/simMedium.js";
import { type Attacker, attackerOf } from "../attacker.js";
import { type Ingredient, moments, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";
import { type Drawn, during } from "./attack.js";
import { LiarSessions } from "./liarSession.js";

const LONGEST_MS = 2_000;

/** Calls upon calls by somebody who shows every cookie that he is sent: he is where he seems to be. */
export const CALLS: Ingredient = {
  name: "calls",
  draw: (scene) =>
    moments(scene, 2).map((atMs): Drawn => {
      const everyMs = wholeBetween(scene.random, 5, 100);
      return during(scene, atMs, LONGEST_MS, `calls every ${everyMs} ms`, (world) => {
        const caller = new Caller(world, everyMs);
        const gone = world.listen(caller);
        caller.call();
        return () => {
          caller.isOver = true;
          gone();
        };
      });
    }),
};

/** Never ends what he begins: every call that is answered is half open. */
class Caller implements Station {
  readonly name = "caller";
  isOver = false;
  readonly #world: HuntWorld;
  readonly #attacker: Attacker;
  readonly #calls: LiarSessions;
  readonly #to: Address;
  readonly #everyMs: number;

  constructor(world: HuntWorld, everyMs: number) {
    this.#world = world;
    this.#attacker = attackerOf(world);
    this.#calls = new LiarSessions(this.#attacker, () => new Uint8Array(0));
    this.#to = this.#attacker.hostAddress();
    this.#everyMs = everyMs;
  }

  get address(): Address {
    return this.#attacker.address;
  }

  call(): void {
    if (this.isOver || this.#world.peaceSinceMs !== undefined) return;
    this.#calls.dial(this.#to);
    this.#world.at(this.#world.nowMs + this.#everyMs, () => this.call());
  }

  listensTo(destination: Destination): boolean {
    const { address, port } = this.address;
    if (destination.kind !== "unicast") return false;
    return destination.to.address === address && destination.to.port === port;
  }

  receive({ bytes }: Transmit): void {
    if (datagramType(bytes) !== DatagramType.cookie) return;
    try {
      this.#calls.asked(bytes);
    } catch {
      // Damaged.
    }
  }
}

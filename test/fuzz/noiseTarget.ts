/**
 * The core with its real handshake, seal and signatures, attacked by whoever is on the network and
 * has no key: recordings, whole or damaged, and bytes of chance.
 */
import type { Address } from "../../src/core/io.js";
import { identityFromSeed, verifyEd25519 } from "../../src/crypto/identity.js";
import { noiseSuite } from "../../src/crypto/noise.js";
import { DatagramType, DEFAULT_DATA_PORT } from "../../src/wire/constants.js";
import { encodeUtf8, fromHex, toHex } from "../../src/wire/cursor.js";
import { SECRET_GROUP, TEST_GROUP } from "../support/groupBus.js";
import { SeededRandom } from "../support/seededRandom.js";
import { CoreWorld, drawnLimits, EPOCH_MS, HONEST, NOBODY_PREFIX } from "./coreWorld.js";
import { HonestTalk } from "./honestTalk.js";
import { below, chance, mutate, noise, pick } from "./mutate.js";
import { Progress } from "./progress.js";
import type { FuzzInput, FuzzSubject, FuzzTarget, FuzzVerdict } from "./target.js";

const LIFETIME_INPUTS = 2_500;
const TYPES = Object.values(DatagramType);
const VIAS = ["data", "discovery", "group"] as const;
const ADDRESSES: readonly Address[] = [HONEST, { address: "10.0.1.1", port: DEFAULT_DATA_PORT }];

export const noiseTarget: FuzzTarget = {
  name: "core-noise",
  weight: 1,
  lifetimeInputs: LIFETIME_INPUTS,
  open: (random) => new NoiseSubject(random),
};

class NoiseSubject implements FuzzSubject {
  readonly #world: CoreWorld;
  readonly #talk: HonestTalk;
  readonly #progress: Progress;
  #token = 0;

  constructor(random: SeededRandom) {
    const host = (name: string) => {
      const identity = identityFromSeed(random.bytes(32));
      return {
        identity,
        verify: verifyEd25519,
        handshakeSuite: noiseSuite(identity),
        announce: true,
        random: new SeededRandom(below(random, 2 ** 32)),
        name,
        dataPort: DEFAULT_DATA_PORT,
        startedAtMs: EPOCH_MS,
      };
    };
    const victim = { ...host("victim"), limits: drawnLimits(random) };
    this.#world = new CoreWorld({ victim, honest: host("honest") });
    this.#talk = new HonestTalk(this.#world);
    // There is a session, and something to record.
    this.#talk.talk({ secret: true });
    this.#progress = new Progress(this.#world.victim);
  }

  draw(random: SeededRandom): FuzzInput {
    const passMs = Math.round(random.uniform() * 300) / 100;
    const draw = random.uniform();
    if (draw < 0.03) return { kind: "say", with: { passMs, what: below(random, 3) } };
    if (draw < 0.05) return { kind: "pass", with: { passMs: below(random, 3_000) } };
    if (draw < 0.051) return { kind: "sleep", with: { passMs: below(random, 1_200_000) } };
    const nobody = {
      address: `${NOBODY_PREFIX}${below(random, 250)}.${below(random, 250)}`,
      port: 9,
    };
    const at = chance(random, 0.5) ? HONEST : pick(random, [...ADDRESSES, nobody]);
    const terms = { ...at, passMs, via: pick(random, VIAS), onLink: chance(random, 0.95) };
    return { kind: "raw", hex: toHex(this.#bytes(random)), with: terms };
  }

  #bytes(random: SeededRandom): Uint8Array {
    const recorded = pick(random, this.#world.seen);
    const draw = random.uniform();
    if (draw < 0.3) return recorded;
    if (draw < 0.85) return mutate(random, recorded, pick(random, this.#world.seen));
    return noise(random, 1300, TYPES);
  }

  feed({ kind, hex = "", with: terms = {} }: FuzzInput): FuzzVerdict {
    const passMs = Number(terms["passMs"] ?? 0);
    if (kind === "sleep") this.#world.sleep(passMs);
    else this.#world.pass(passMs);
    if (kind === "say") this.#say(Number(terms["what"]));
    if (kind === "raw") {
      const from = { address: String(terms["address"]), port: Number(terms["port"]) };
      const via = VIAS.find((one) => one === terms["via"]) ?? "data";
      this.#world.receive({ bytes: fromHex(hex), from, onLink: terms["onLink"] === true, via });
    }
    this.#world.victim.events.length = 0;
    this.#world.honest.events.length = 0;
    return this.#progress.verdict();
  }

  /** The honest go on talking: there is always something new to record. */
  #say(what: number): void {
    const world = this.#world;
    const { honest, victim, nowMs, wallMs } = world;
    const body = encodeUtf8(`said at ${nowMs}`);
    this.#token += 1;
    const token = this.#token;
    world.command(honest, (core) => {
      if (what === 0) core.say(nowMs, TEST_GROUP.groupId, body, wallMs);
      else if (what === 1) core.say(nowMs, SECRET_GROUP.groupId, body, wallMs);
      else {
        const target = { kind: "device", id: victim.core.id, lastKnown: victim.at } as const;
        core.send(nowMs, { token, target, kind: "text", body, sentAtMs: wallMs });
      }
    });
  }

  check(): void {
    this.#world.check();
    this.#world.rest();
    this.#talk.talk({ secret: true });
    this.#world.check();
    this.#progress.verdict();
  }

  close(): void {}
}

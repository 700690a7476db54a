import type { CoreEvent } from "../../src/core/io.js";
import { decodeUtf8, encodeUtf8 } from "../../src/wire/cursor.js";
import { SECRET_GROUP, TEST_GROUP } from "../support/groupBus.js";
import type { CoreWorld, Host } from "./coreWorld.js";

/** Whatever happened before, two honest nodes understand each other again within this. */
const PATIENCE_MS = 120_000;
const STEP_MS = 250;
const ASK_AGAIN_AFTER_MS = 20_000;

/** Whether a secret group is talked in as well. */
export interface TalkOptions {
  readonly secret: boolean;
}

/**
 * The strongest check: an honest node and the victim write to each other, ask each other and speak
 * in the group, and all of it arrives. Throws with what did not.
 */
export class HonestTalk {
  readonly #world: CoreWorld;
  /** Not those of the commands of the fuzzer. */
  #token = 1_000_000;
  #round = 0;

  constructor(world: CoreWorld) {
    this.#world = world;
  }

  talk({ secret }: TalkOptions): void {
    const world = this.#world;
    this.#round += 1;
    const word = `talk ${this.#round}`;
    const open = new Set<string>();
    const hosts = [world.victim, world.honest];
    for (const host of hosts) host.events.length = 0;
    for (const [from, to] of [
      [world.victim, world.honest],
      [world.honest, world.victim],
    ] as const) {
      const name = from === world.victim ? "victim" : "honest";
      for (const what of ["text", "request"] as const) {
        this.#say(from, to, what, `${word} ${name} ${what}`);
        open.add(`${what} of ${name}`);
      }
      const groups = secret ? [TEST_GROUP, SECRET_GROUP] : [TEST_GROUP];
      for (const { groupId, secret: isSecret } of groups) {
        const what = isSecret ? "secret line" : "line";
        const body = encodeUtf8(`${word} ${name} ${what}`);
        world.command(from, (core) => core.say(world.nowMs, groupId, body, world.wallMs));
        open.add(`${what} of ${name}`);
      }
    }
    const endMs = world.nowMs + PATIENCE_MS;
    let againAtMs = world.nowMs + ASK_AGAIN_AFTER_MS;
    while (open.size > 0 && world.nowMs < endMs) {
      world.pass(STEP_MS);
      for (const host of hosts) {
        for (const event of host.events) settle(open, word, event);
        host.events.length = 0;
      }
      if (world.nowMs < againAtMs) continue;
      // As the messenger does with what failed.
      againAtMs = world.nowMs + ASK_AGAIN_AFTER_MS;
      for (const [from, to, name] of [
        [world.victim, world.honest, "victim"],
        [world.honest, world.victim, "honest"],
      ] as const) {
        for (const what of ["text", "request"] as const) {
          if (open.has(`${what} of ${name}`)) this.#say(from, to, what, `${word} ${name} ${what}`);
        }
      }
    }
    if (open.size > 0) throw new Error(`did not arrive: ${[...open].join(", ")}`);
  }

  #say(from: Host, to: Host, kind: "text" | "request", text: string): void {
    const world = this.#world;
    this.#token += 1;
    world.command(from, (core) =>
      core.send(world.nowMs, {
        token: this.#token,
        target: { kind: "device", id: to.core.id, lastKnown: to.at },
        kind,
        body: encodeUtf8(text),
        sentAtMs: world.wallMs,
      }),
    );
  }
}

/** Crosses off what `event` shows to have arrived. */
function settle(open: Set<string>, word: string, event: CoreEvent): void {
  if (event.kind !== "message" && event.kind !== "reply" && event.kind !== "groupMessage") return;
  if (Buffer.from(event.body).indexOf(word) !== 0) return;
  const [, name, ...what] = decodeUtf8(event.body).slice("talk ".length).split(" ");
  open.delete(`${what.join(" ")} of ${name}`);
}

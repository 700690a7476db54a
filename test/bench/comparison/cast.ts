import { join } from "node:path";
import type { Endpoint } from "../contenders/contender.js";
import { Broker } from "./broker.js";
import type { Entrant } from "./entrants.js";
import { freePort } from "./freePort.js";
import type { Role } from "./orders.js";
import { ParticipantProcess } from "./participantProcess.js";

/** A host to start processes on. */
export interface Site {
  /** What comes before a command: `ip netns exec NAME`, or nothing. */
  readonly prefix: readonly string[];
  readonly address: string;
  readonly interfaceName: string;
}

/** Where a measure is taken. */
export interface Arena {
  /** Of whoever asks, sends and speaks. */
  readonly near: Site;
  /** Of all others; may be the same. */
  readonly far: Site;
  /** For homes, configurations; removed by its owner. */
  readonly folder: string;
  /** CPU profiles of all processes go there. */
  readonly profiles: string | undefined;
}

/** What a cast plays: a request and its reply, one sender and one receiver, or a group. */
export type Play = "round-trip" | "one-way" | "group";

const MEMBERS = 4;
let casts = 0;

/** The processes of one entrant for one play, ready. */
export class Cast {
  readonly entrant: Entrant;
  readonly #arena: Arena;
  readonly #port: number;
  readonly #number: number;
  readonly #listeners: ParticipantProcess[] = [];
  readonly #others: { stop(): Promise<void> }[] = [];
  #caller: ParticipantProcess | undefined;
  #peer: Endpoint | undefined;
  #processes = 0;

  static async open(entrant: Entrant, play: Play, arena: Arena): Promise<Cast> {
    const cast = new Cast(entrant, arena, await freePort());
    try {
      await cast.#open(play);
      return cast;
    } catch (error) {
      await cast.dispose();
      throw error;
    }
  }

  private constructor(entrant: Entrant, arena: Arena, port: number) {
    casts += 1;
    this.#number = casts;
    this.entrant = entrant;
    this.#arena = arena;
    this.#port = port;
  }

  /** Who asks, sends or speaks. */
  get caller(): ParticipantProcess {
    if (this.#caller === undefined) throw new Error("nobody calls");
    return this.#caller;
  }

  /** Who receives: the receiver or the members. */
  get listeners(): readonly ParticipantProcess[] {
    return this.#listeners;
  }

  async dispose(): Promise<void> {
    // Together: those who say goodbye need not wait for the others.
    await Promise.all(this.#others.map((other) => other.stop()));
  }

  async #open(play: Play): Promise<void> {
    const { broker } = this.entrant;
    const { near, far } = this.#arena;
    if (broker !== undefined) {
      const at = { address: far.address, port: this.#port };
      const started = await Broker.start(broker, at, this.#folder("broker"));
      this.#others.push(started);
      this.#peer = at;
    }
    switch (play) {
      case "round-trip":
        this.#peer = (await this.#started("answerer", far).ready()) ?? this.#peer;
        this.#caller = this.#started("asker", near);
        break;
      case "one-way": {
        const receiver = this.#started("receiver", far);
        this.#peer = (await receiver.ready()) ?? this.#peer;
        this.#listeners.push(receiver);
        this.#caller = this.#started("sender", near);
        break;
      }
      case "group": {
        if (this.entrant.hasRelay) this.#peer = await this.#started("relay", far).ready();
        const members = Array.from({ length: MEMBERS }, () => this.#started("member", far));
        await Promise.all(members.map((member) => member.ready()));
        this.#listeners.push(...members);
        this.#caller = this.#started("speaker", near);
      }
    }
    await this.#caller.ready();
  }

  #folder(what: string): string {
    return join(this.#arena.folder, `${this.#number}-${what}`);
  }

  #started(role: Role, { prefix, address, interfaceName }: Site): ParticipantProcess {
    this.#processes += 1;
    const name = `${role}${this.#processes}`;
    const { profiles } = this.#arena;
    const file = `${this.entrant.name}-${this.#number}-${name}.cpuprofile`;
    const started = new ParticipantProcess({
      assignment: {
        contender: this.entrant.name,
        role,
        venue: {
          address,
          interfaceName,
          ...(this.#peer === undefined ? {} : { peer: this.#peer }),
          port: this.#port,
          members: MEMBERS,
          folder: this.#folder(name),
          name,
        },
      },
      prefix,
      nodeArguments:
        profiles === undefined
          ? []
          : ["--cpu-prof", `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${file}`],
    });
    this.#others.push(started);
    return started;
  }
}

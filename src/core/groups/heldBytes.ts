import { MAX_MESSAGE_BYTES } from "../../wire/constants.js";
import { ByteBudget } from "../byteBudget.js";

/** Keeps something of one member that waits for something missing, and can let go of it. */
export interface Holder {
  /** Datagrams behind a lost one. Let go, they are asked for again. */
  readonly heldBytes: number;
  /** The beginning of a message, at most `MAX_MESSAGE_BYTES`. Let go, the message is lost. */
  readonly begunBytes: number;
  /** Lets go of the datagrams, or of the beginning if there are none. */
  giveWay(): void;
}

/**
 * Memory for what waits, of all members in all groups. When it is full, whoever has us keep most
 * gives way: a few members whose losses are never repaired must not silence the others.
 */
export class HeldBytes {
  readonly budget: ByteBudget;
  /** Everybody who may keep something; bounded by groups and members. */
  readonly #holders = new Set<Holder>();

  constructor(limitBytes: number) {
    this.budget = new ByteBudget(limitBytes);
  }

  add(holder: Holder): void {
    this.#holders.add(holder);
  }

  remove(holder: Holder): void {
    this.#holders.delete(holder);
  }

  /** True if there is room for so much now. False if `asker` itself has us keep most. */
  makeRoom(countBytes: number, asker?: Holder): boolean {
    while (!this.budget.hasRoom(countBytes)) {
      const heaviest = this.#heaviest();
      if (heaviest === undefined || heaviest === asker) return false;
      heaviest.giveWay();
    }
    return true;
  }

  #heaviest(): Holder | undefined {
    let heaviest: Holder | undefined;
    let mostBytes = 0;
    for (const holder of this.#holders) {
      const bytes = weightBytes(holder);
      if (bytes <= mostBytes) continue;
      heaviest = holder;
      mostBytes = bytes;
    }
    return heaviest;
  }
}

/** Any datagrams outweigh every beginning: they are not lost. */
function weightBytes({ heldBytes, begunBytes }: Holder): number {
  return heldBytes > 0 ? MAX_MESSAGE_BYTES + heldBytes : begunBytes;
}

import { ByteBudget } from "../byteBudget.js";

/** Keeps datagrams of one member behind a lost one. Let go, they are asked for again. */
export interface Holder {
  readonly heldBytes: number;
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
  makeRoom(countBytes: number, asker: Holder): boolean {
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
      if (holder.heldBytes <= mostBytes) continue;
      heaviest = holder;
      mostBytes = holder.heldBytes;
    }
    return heaviest;
  }
}

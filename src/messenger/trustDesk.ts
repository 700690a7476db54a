import { isCode, isSameCode, verificationCode } from "../crypto/verificationCode.js";
import { UdpchatError } from "../errors.js";
import type { LanInterface } from "../net/lan.js";
import type { StoredTrust } from "../store/trust.js";
import type { Driver } from "./driver.js";
import { blockedError, type PeerFinder } from "./peerFinder.js";
import { ambiguous, commandName, findPeer, isCalled, parseTarget } from "./target.js";
import type { TrustBook } from "./trustBook.js";
import type { IdentifiedPeer, PeerTrust, Verification } from "./types.js";

/** What a desk builds on. */
export interface TrustDeskParts {
  readonly book: TrustBook;
  readonly finder: PeerFinder;
  readonly driver: Driver;
  /** Who we are. */
  readonly self: () => { readonly id: string; readonly name: string };
  /** Where we are. */
  readonly here: () => { readonly port: number; readonly interfaces: readonly LanInterface[] };
}

type Person = Omit<IdentifiedPeer, "trust">;

/** Carries out what the user decides about keys. */
export class TrustDesk {
  readonly #parts: TrustDeskParts;

  constructor(parts: TrustDeskParts) {
    this.#parts = parts;
  }

  async verificationCode(target: string): Promise<Verification> {
    const person = await this.#unblockedPerson(target);
    return { peer: this.#withTrust(person), code: await this.#codeOf(person) };
  }

  async verify(target: string, code: string | undefined): Promise<Verification> {
    if (code !== undefined && !isCode(code)) throw notACode(code);
    const person = await this.#unblockedPerson(target);
    const ours = await this.#codeOf(person);
    if (code !== undefined && !isSameCode(code, ours)) throw mismatch(person);
    await this.#decide(person, "verified");
    return { peer: this.#withTrust(person), code: ours };
  }

  async block(target: string): Promise<IdentifiedPeer> {
    const person = await this.#person(target);
    this.#assertOnly(target.trim(), person);
    const decided = this.#decide(person, "blocked");
    this.#parts.driver.command((core, nowMs) => core.blocked(nowMs, person.id));
    await decided;
    return this.#withTrust(person);
  }

  /**
   * Somebody we know and a stranger have one name: which of them to shut out must be said.
   * @throws UdpchatError AMBIGUOUS_PEER
   */
  #assertOnly(name: string, person: Person): void {
    const { book, finder } = this.#parts;
    const noted = book
      .entries()
      .filter(({ trust }) => trust !== "blocked")
      .map(({ device, name: called }) => unplaced(device, called));
    const others = [...finder.allCalled(name), ...noted].filter(
      (other) => other.id !== person.id && isCalled(other, name),
    );
    if (others.length > 0 && isCalled(person, name)) {
      throw ambiguous(name, [
        ...new Map([person, ...others].map((each) => [each.id, each])).values(),
      ]);
    }
  }

  /** Found in the book alone: who is blocked has no place in the roster. */
  async unblock(target: string): Promise<IdentifiedPeer> {
    const name = target.trim();
    const person = findPeer(name, this.blocked().map(candidate));
    if (person === undefined) {
      throw new UdpchatError("NO_SUCH_PEER", `nobody called ${name} is blocked`, {
        remedy: "see who is with `udpchat block`",
      });
    }
    await this.#decide(person, "known");
    return this.#withTrust(person);
  }

  blocked(): IdentifiedPeer[] {
    const blocked = this.#parts.book.entries().filter(({ trust }) => trust === "blocked");
    return blocked.map(({ device, name }) => ({ ...unplaced(device, name), trust: "blocked" }));
  }

  async #codeOf({ id }: Person): Promise<string> {
    return verificationCode(this.#parts.self().id, id);
  }

  async #decide({ id, name }: Person, trust: StoredTrust): Promise<void> {
    await this.#parts.book.decide({ id, name }, trust);
  }

  #withTrust({ id, name, address, port }: Person): IdentifiedPeer {
    return { id, name, address, port, trust: this.#parts.book.trustOf(id, name) };
  }

  /** @throws UdpchatError BLOCKED, and what `#person` throws */
  async #unblockedPerson(target: string): Promise<Person> {
    const person = await this.#person(target);
    if (this.#parts.book.isBlocked(person.id)) throw blockedError(person);
    return person;
  }

  /**
   * Somebody in the roster, on the network, or in the book.
   * @throws UdpchatError INVALID_ARGUMENT if that is ourselves; NO_SUCH_PEER and so on
   */
  async #person(target: string): Promise<Person> {
    const { finder, book } = this.#parts;
    const name = target.trim();
    this.#assertNotOurAddress(target);
    const listed = await finder.findListed(target);
    if (listed !== undefined) return listed;
    const noted = findPeer(
      name,
      book
        .entries()
        .map((entry) => candidate({ ...unplaced(entry.device, entry.name), trust: entry.trust })),
    );
    if (noted !== undefined) return noted;
    if (isCalled(this.#parts.self(), name)) throw ourselves(target);
    throw finder.nobodyCalled(name);
  }

  #assertNotOurAddress(text: string): void {
    const target = parseTarget(text);
    if (target.kind !== "address") return;
    const { port, interfaces } = this.#parts.here();
    const isOurs = interfaces.some(({ address }) => address === target.to.address);
    if (isOurs && port === target.to.port) throw ourselves(text);
  }
}

function notACode(text: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", `"${text}" is not a code`, {
    remedy: "write all of its 25 digits",
  });
}

function ourselves(target: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", `${target} is yourself`, {
    remedy: "name somebody else",
  });
}

function mismatch(person: Person): UdpchatError {
  const message =
    `THE CODES DIFFER: ${commandName(person)} sees another code, so you and this peer do not ` +
    "hold the same two keys. Somebody may stand between you";
  return new UdpchatError("CODE_MISMATCH", message, {
    remedy: "do not trust this peer: compare once more, in person, and block it if they differ",
  });
}

/** A peer whose address nobody knows now. */
function unplaced(id: string, name: string): Person {
  return { id, name, address: "", port: 0 };
}

/** For `findPeer`; whether it is online nobody knows. */
function candidate<P extends { readonly trust: PeerTrust }>(
  person: P,
): P & { readonly state: "offline" } {
  return { ...person, state: "offline" };
}

import { type RandomSource, uniformBetween } from "../../crypto/random.js";
import { clamp } from "../clamp.js";
import type { Archive } from "./archive.js";
import type { Members } from "./members.js";
import { type SyncPartner, SyncPartners } from "./syncPartners.js";

/** After we joined the answers to our hello come first. */
const JOIN_DELAY_MS = 300;
/** So long after it we are new: a difference need not wait for a quiet moment. */
const NEW_FOR_MS = 3000;
/** Amid talk digests differ all the time: a difference counts when ours is quiet for so long, */
const QUIET_MS = 1000;
/** if the other one was heard when ours had been quiet for so long; */
const SETTLED_MS = 250;
/** or if all that were heard in so long a time differed. */
const DIFFERS_MS = 15_000;
/** NACKs that are about to bring something come first, for so long. */
const REPAIRS_FIRST_MS = 3000;
const REPAIRS_LOOK_MS = 250;
/** What we held so recently may be what the other one says that it holds. */
const RECENT_MS = 3000;
const MAX_RECENT_DIGESTS = 256;
/** Not all turn to the same member at once: those that find the difference gone need not ask. */
const SPREAD_MS_PER_MEMBER = 20;
const MIN_SPREAD_MS = 50;
const MAX_SPREAD_MS = 2000;
const SPACING_MS = 2000;

interface OwnDigest {
  readonly digest: string;
  /** When it was seen first. */
  readonly sinceMs: number;
}

/** When to ask which member what it holds. */
export class SyncSchedule {
  readonly #random: RandomSource;
  readonly #archive: Archive;
  readonly #members: Members;
  readonly #partners = new SyncPartners();
  readonly #joinedAtMs: number;
  readonly #isUnwanted: (device: string) => boolean;
  readonly #isRepairing: (nowMs: number) => boolean;
  /** The present one last; at most `MAX_RECENT_DIGESTS`. */
  #own: OwnDigest[] = [];
  #isNew = true;
  /** Since when NACKs have kept us from asking somebody. */
  #repairingSinceMs: number | undefined;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(
    nowMs: number,
    random: RandomSource,
    around: {
      readonly archive: Archive;
      readonly members: Members;
      /** Blocked, or kept out. */
      isUnwanted(device: string): boolean;
      /** What is missing is about to come by multicast. */
      isRepairing(nowMs: number): boolean;
    },
  ) {
    this.#random = random;
    this.#archive = around.archive;
    this.#members = around.members;
    this.#isUnwanted = (device) => around.isUnwanted(device);
    this.#isRepairing = (askedAtMs) => around.isRepairing(askedAtMs);
    this.#joinedAtMs = nowMs;
    this.#observe(nowMs);
    this.#dueMs = nowMs + JOIN_DELAY_MS + this.#spreadMs();
  }

  /** When `next` may have somebody; Infinity for never. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** What was said before we came is fetched, or about to be. */
  catchingUp(nowMs: number): boolean {
    return this.#isNew && nowMs < this.#joinedAtMs + NEW_FOR_MS;
  }

  partner(device: string): SyncPartner {
    return this.#partners.get(device) ?? this.#partners.heard(device);
  }

  /** A member said what it holds. */
  digestHeard(nowMs: number, device: string, digest: string): void {
    const present = this.#observe(nowMs);
    const partner = this.#partners.heard(device);
    partner.digest = digest;
    partner.heardAtMs = nowMs;
    if (!this.#differs(partner)) {
      partner.differsSinceMs = undefined;
      partner.returned = false;
      return;
    }
    partner.differsSinceMs ??= nowMs;
    const askableAtMs = this.#countsAtMs(nowMs, partner, present);
    this.#lookAt(Math.max(nowMs, askableAtMs) + this.#spreadMs());
  }

  memberReturned(device: string): void {
    this.partner(device).returned = true;
  }

  /** Whom to ask now. Moves `dueMs`; while somebody is asked it is not looked at. */
  next(nowMs: number): { readonly device: string; readonly partner: SyncPartner } | undefined {
    const present = this.#observe(nowMs);
    this.#dueMs = Number.POSITIVE_INFINITY;
    const candidates: string[] = [];
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const { id, online } of this.#members.list()) {
      const partner = this.#partners.get(id);
      if (partner === undefined || !online || this.#isUnwanted(id)) continue;
      if (!this.#differs(partner)) continue;
      const atMs = this.#countsAtMs(nowMs, partner, present);
      if (atMs <= nowMs) candidates.push(id);
      else soonestMs = Math.min(soonestMs, atMs);
    }
    const device = candidates[Math.floor(this.#random.uniform() * candidates.length)];
    if (device === undefined) {
      this.#repairingSinceMs = undefined;
      this.#lookAt(soonestMs);
      return undefined;
    }
    const partner = this.partner(device);
    if (!partner.returned && this.#waitsForRepairs(nowMs)) {
      this.#lookAt(nowMs + REPAIRS_LOOK_MS);
      return undefined;
    }
    this.#repairingSinceMs = undefined;
    return { device, partner };
  }

  /** What NACKs bring comes in the order of its author, and to all who lack it. */
  #waitsForRepairs(nowMs: number): boolean {
    if (!this.#isRepairing(nowMs)) return false;
    this.#repairingSinceMs ??= nowMs;
    return nowMs < this.#repairingSinceMs + REPAIRS_FIRST_MS;
  }

  /** An exchange is over. */
  ended(nowMs: number, partner: SyncPartner, how: { readonly fruitful: boolean }): void {
    const { digest } = this.#observe(nowMs);
    this.#isNew = false;
    this.#endedAtMs = nowMs;
    partner.tried(nowMs, digest, how.fruitful);
    this.#lookAt(nowMs + SPACING_MS + this.#spreadMs());
  }

  /** It asked us, and showed nothing that we want: as good as if we had asked it. */
  nothingWanted(nowMs: number, partner: SyncPartner): void {
    partner.tried(nowMs, this.#observe(nowMs).digest, false);
  }

  /** It did not come to an exchange: somebody else is asked, or the same one later. */
  turnedAway(nowMs: number, partner: SyncPartner): void {
    partner.turnedUsAway(nowMs);
    this.#lookAt(nowMs + this.#spreadMs());
  }

  #lookAt(atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY) return;
    const earliestMs = this.#endedAtMs + SPACING_MS;
    this.#dueMs = Math.min(this.#dueMs, Math.max(atMs, earliestMs));
  }

  /** From when on the difference to this member is a reason to ask it; Infinity: not by itself. */
  #countsAtMs(nowMs: number, partner: SyncPartner, present: OwnDigest): number {
    const askableAtMs = partner.askableAtMs(present.digest);
    const isNew = this.#isNew && nowMs < this.#joinedAtMs + NEW_FOR_MS;
    if (isNew) return Math.max(askableAtMs, this.#joinedAtMs + JOIN_DELAY_MS);
    // Amid talk one exchange serves the differences to all.
    const sinceMs = Math.max(partner.differsSinceMs ?? partner.heardAtMs, this.#endedAtMs);
    if (partner.returned || partner.heardAtMs - sinceMs >= DIFFERS_MS) return askableAtMs;
    if (partner.heardAtMs < present.sinceMs + SETTLED_MS) return Number.POSITIVE_INFINITY;
    // The author tells what exists, and NACKs go out, before that time is over.
    const differsSinceMs = partner.differsSinceMs ?? partner.heardAtMs;
    return Math.max(askableAtMs, present.sinceMs + QUIET_MS, differsSinceMs + QUIET_MS);
  }

  #differs({ digest }: SyncPartner): boolean {
    return digest !== undefined && !this.#own.some((own) => own.digest === digest);
  }

  /** The present digest of our own, and since when it is that. */
  #observe(nowMs: number): OwnDigest {
    const { digest } = this.#archive;
    let present = this.#own.at(-1);
    if (present?.digest !== digest) {
      present = { digest, sinceMs: nowMs };
      this.#own = this.#own.slice(1 - MAX_RECENT_DIGESTS);
      this.#own.push(present);
    }
    // Each was ours until the next one was.
    while ((this.#own[1]?.sinceMs ?? Number.POSITIVE_INFINITY) < nowMs - RECENT_MS) {
      this.#own.shift();
    }
    return present;
  }

  #spreadMs(): number {
    const spreadMs = this.#members.online * SPREAD_MS_PER_MEMBER;
    return uniformBetween(this.#random, 0, clamp(spreadMs, MIN_SPREAD_MS, MAX_SPREAD_MS));
  }
}

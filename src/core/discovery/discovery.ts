/**
 * Who is there: says that we are, asks who is, answers who asks, and keeps the roster.
 *
 * ```text
 *   beacon, answer, leave -> admission -> roster <-> liveness -- probes --+
 *   query -> answering -> our beacon <- beaconing                         v
 *   application, configured peers -----------------------------------> querying
 * ```
 */
import { randomHex } from "../../crypto/random.js";
import { DatagramType, NONCE_BYTES } from "../../wire/constants.js";
import { datagramType } from "../../wire/header.js";
import { decodeAnswer, decodeQuery, type Instance } from "../../wire/presence.js";
import type { CoreContext } from "../context.js";
import type { Address, ContactPeer, FoundVia, PeerView, ReceivedDatagram, Timed } from "../io.js";
import { Admission, type AdmittedBeacon } from "./admission.js";
import { Answering } from "./answering.js";
import { Beaconing } from "./beaconing.js";
import { ConfiguredPeers } from "./configuredPeers.js";
import { Liveness, PROBE_OFFSETS_MS } from "./liveness.js";
import { type OpenQuery, Querying } from "./querying.js";
import { Roster } from "./roster.js";
import type { RosterEntry } from "./rosterEntry.js";

export interface DiscoveryOptions {
  /** Send beacons, answer queries, say goodbye. Without it we only look on. */
  readonly announce: boolean;
  /** Addresses that no broadcast reaches. */
  readonly configuredPeers: readonly Address[];
  /** A device that we knew sends beacons of another, later start. */
  readonly restarted: (nowMs: number, device: string) => void;
  /** The hash over our group states that goes into the beacon, 16 hexadecimal digits. */
  readonly groupDigest: () => string;
}

export class Discovery implements Timed {
  readonly #context: CoreContext;
  readonly #roster: Roster;
  readonly #admission: Admission;
  readonly #liveness: Liveness;
  readonly #querying: Querying;
  readonly #configured: ConfiguredPeers;
  /** Undefined unless we announce ourselves. */
  readonly #beaconing: Beaconing | undefined;
  readonly #answering: Answering | undefined;
  /** What waits for a moment. */
  #timed: readonly Timed[];
  #left = false;

  constructor(nowMs: number, context: CoreContext, options: DiscoveryOptions) {
    const { announce, configuredPeers, groupDigest } = options;
    const roster = new Roster(context);
    const peersLive = (): number => roster.liveCount;
    const querying = new Querying(context, { configuredPeers, peersLive });
    this.#context = context;
    this.#roster = roster;
    this.#querying = querying;
    this.#admission = new Admission(context, roster, { reportTwins: announce });
    this.#configured = new ConfiguredPeers(nowMs, configuredPeers, roster, querying);
    this.#liveness = new Liveness(roster, (probeAtMs, entry) => {
      if (entry.best !== undefined) querying.askHost(probeAtMs, entry.best, PROBE_OFFSETS_MS);
    });
    this.#timed = [querying, this.#liveness, this.#configured];
    if (!announce) return;
    const beaconing = new Beaconing(nowMs, context, { configuredPeers, groupDigest, peersLive });
    this.#beaconing = beaconing;
    this.#answering = new Answering(context, () => beaconing.current());
    this.#timed = [...this.#timed, beaconing, this.#answering];
  }

  /** A beacon, leave, query or answer. Throws MALFORMED_DATAGRAM and nothing else. */
  receive(nowMs: number, datagram: ReceivedDatagram): void {
    if (this.#left) return;
    switch (datagramType(datagram.bytes)) {
      case DatagramType.beacon:
        this.#receiveBeacon(nowMs, datagram);
        return;
      case DatagramType.leave:
        this.#receiveLeave(nowMs, datagram);
        return;
      case DatagramType.query:
        this.#receiveQuery(nowMs, datagram);
        return;
      case DatagramType.answer:
        this.#receiveAnswer(nowMs, datagram);
        return;
      default:
        this.#context.counters.add("datagramsUnknown");
    }
  }

  #receiveBeacon(nowMs: number, { bytes, from }: ReceivedDatagram): void {
    const admitted = this.#admission.beacon(nowMs, bytes, from);
    if (admitted === undefined) return;
    if (admitted.repeated) this.#repeated(nowMs, admitted, from);
    else {
      const sighting = this.#apply(nowMs, admitted, from, "broadcast");
      if (sighting !== undefined) this.#alive(nowMs, sighting);
    }
  }

  /** Another address of a live peer; whoever is silent is not kept alive by a replay. */
  #repeated(nowMs: number, admitted: AdmittedBeacon, from: Address): void {
    if (this.#roster.get(admitted.beacon.device)?.isLive(nowMs) !== true) return;
    const sighting = this.#apply(nowMs, admitted, from, "broadcast");
    if (sighting?.changed === true) this.#tellUpdated(sighting.entry);
  }

  #receiveLeave(nowMs: number, { bytes, from }: ReceivedDatagram): void {
    const entry = this.#admission.leave(nowMs, bytes, from);
    if (entry !== undefined) this.#liveness.gone(nowMs, entry);
  }

  #receiveQuery(nowMs: number, { bytes, from, onLink }: ReceivedDatagram): void {
    const query = decodeQuery(bytes);
    if (query.incarnation === this.#context.incarnation) {
      this.#context.counters.add("datagramsOwn");
      return;
    }
    const to = { address: from.address, port: query.dataPort };
    // A forged source beyond the link could be anybody, except where the user pointed us.
    if (!onLink && !this.#configured.includes(to)) return;
    this.#answering?.receive(nowMs, query, to, this.#roster.liveCount);
  }

  #receiveAnswer(nowMs: number, { bytes, from }: ReceivedDatagram): void {
    const answer = decodeAnswer(bytes);
    const query = this.#querying.find(answer.nonce);
    if (query === undefined) {
      this.#context.counters.add("datagramsUnknown");
      return;
    }
    const admitted = this.#admission.answer(nowMs, answer.beacon, { bytes, from });
    if (admitted === undefined) return;
    const sighting = this.#apply(nowMs, admitted, from, "query");
    if (sighting === undefined) return;
    const rttMs = query.roundTripMs(nowMs, answer.heldUs);
    if (rttMs !== undefined) sighting.entry.sampleRtt(rttMs);
    this.#roster.confirm(sighting.entry);
    this.#alive(nowMs, sighting);
    this.#tellAnswer(query, sighting.entry, rttMs);
  }

  /** Only queries to everybody are the application's; the round trip is the one just measured. */
  #tellAnswer(query: OpenQuery, entry: RosterEntry, rttMs: number | undefined): void {
    if (query.direct || query.answered.has(entry.device)) return;
    if (query.answered.size >= this.#context.limits.peers) return;
    query.answered.add(entry.device);
    const view = entry.view();
    const peer: PeerView = { ...view, rttMs: rttMs ?? view.rttMs };
    this.#context.outputs.event({ kind: "answer", nonce: query.nonce, peer });
  }

  /** Brings the entry up to date with a beacon; undefined if the roster has no room. */
  #apply(
    nowMs: number,
    { beacon, bytes, repeated }: AdmittedBeacon,
    from: Address,
    via: FoundVia,
  ): Sighting | undefined {
    const at = { address: from.address, port: beacon.dataPort };
    const known = this.#roster.get(beacon.device);
    if (known !== undefined && !repeated) this.#roster.confirm(known);
    const entry = known ?? this.#add(nowMs, beacon, at, via);
    if (entry === undefined) return undefined;
    const restarted = entry.incarnation !== beacon.incarnation;
    if (restarted) entry.restart(beacon.incarnation);
    const renamed = !repeated && entry.adopt(beacon, bytes);
    const moved = entry.heardFrom(nowMs, at, false);
    return { entry, changed: restarted || renamed || moved };
  }

  #add(
    nowMs: number,
    peer: { readonly device: string; readonly incarnation: string; readonly name: string },
    at: Address,
    via: FoundVia,
  ): RosterEntry | undefined {
    const { device, incarnation, name } = peer;
    const { inTheWay } = this.#roster;
    if (inTheWay !== undefined) this.#liveness.gone(nowMs, inTheWay);
    const foundVia = this.#configured.includes(at) ? "configured" : via;
    return this.#roster.add(nowMs, { device, incarnation, name, via: foundVia });
  }

  /** A sign of life. Coming online tells everything; otherwise a change is told by itself. */
  #alive(nowMs: number, { entry, changed }: Sighting): void {
    const wasOnline = entry.state === "online";
    this.#liveness.alive(nowMs, entry);
    if (wasOnline && changed) this.#tellUpdated(entry);
  }

  #tellUpdated(entry: RosterEntry): void {
    this.#context.outputs.event({ kind: "peer", change: "updated", peer: entry.view() });
  }

  /**
   * An authenticated session packet of `peer` came from its address. `rttMs` is a new sample of
   * the round trip. Runs for every packet.
   */
  heard(nowMs: number, peer: ContactPeer, rttMs: number | undefined): void {
    if (this.#left || peer.id === this.#context.identity.device) return;
    const known = this.#roster.get(peer.id);
    if (known === undefined && !peer.announces) return; // passes by
    const entry = known ?? this.#add(nowMs, { ...peer, device: peer.id }, peer, "contact");
    if (entry === undefined) return;
    this.#roster.confirm(entry);
    const restarted = entry.incarnation !== peer.incarnation;
    if (restarted) {
      // Its one-shot process beside the one that announces itself: that one keeps the entry.
      if (entry.beaconed && entry.isLive(nowMs)) return;
      entry.restart(peer.incarnation);
    } else if (entry.departed) {
      return; // a straggler behind the goodbye
    }
    const renamed = !entry.beaconed && entry.name !== peer.name;
    if (renamed) entry.name = peer.name;
    const moved = entry.heardFrom(nowMs, peer, true);
    if (rttMs !== undefined) entry.sampleRtt(rttMs);
    this.#alive(nowMs, { entry, changed: restarted || renamed || moved });
  }

  /** Asks who is there; returns the nonce that the `answer` events carry. */
  query(nowMs: number): string {
    if (this.#left) return randomHex(this.#context.random, NONCE_BYTES);
    return this.#querying.askLan(nowMs);
  }

  /** An interface came or went: others may hear us who did not before, and we them. */
  interfacesChanged(nowMs: number): void {
    if (this.#left) return;
    this.#beaconing?.announceSoon(nowMs);
    this.#querying.askLan(nowMs);
  }

  /** We could not listen for `lagMs`: nobody is to be blamed for silence in that time. */
  compensate(nowMs: number, lagMs: number): void {
    if (!this.#left) this.#liveness.compensate(nowMs, lagMs);
  }

  /** The user blocked a device: it has no place in the roster any more. */
  blocked(nowMs: number, device: string): void {
    const entry = this.#roster.get(device);
    if (entry === undefined) return;
    this.#liveness.gone(nowMs, entry);
    this.#roster.remove(entry);
  }

  /** That very start of the device has shown that it is running now: by an answer or a session. */
  isPresent(nowMs: number, { device, incarnation }: Instance): boolean {
    const entry = this.#roster.get(device);
    return entry?.incarnation === incarnation && entry.isLive(nowMs);
  }

  /** Asks whoever is at an address to show that it is running now. */
  challenge(nowMs: number, at: Address): void {
    this.#querying.askHost(nowMs, at, PROBE_OFFSETS_MS);
  }

  /** Where the device is best reached, as far as it is known. */
  addressOf(device: string): Address | undefined {
    return this.#roster.get(device)?.best;
  }

  /** Every peer that is known, those that are offline included. */
  peers(): PeerView[] {
    return this.#roster.views();
  }

  /** Says goodbye if anybody was told of us, and is quiet from then on. */
  leave(nowMs: number): void {
    this.#left = true;
    this.#timed = this.#beaconing === undefined ? [] : [this.#beaconing];
    this.#beaconing?.leave(nowMs);
  }

  nextWakeMs(): number {
    return Math.min(...this.#timed.map((part) => part.nextWakeMs()));
  }

  wake(nowMs: number): void {
    for (const part of this.#timed) part.wake(nowMs);
  }
}

interface Sighting {
  readonly entry: RosterEntry;
  /** Its name, address, port or incarnation is another one than before. */
  readonly changed: boolean;
}

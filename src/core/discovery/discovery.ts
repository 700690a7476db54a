/**
 * Who is there: says that we are, asks who is, answers who asks, and keeps the roster.
 *
 * ```text
 *   beacon, answer, leave -> admission -> registrar -> roster <-> liveness -- probes --+
 *                                |                                                     v
 *                                +-> candidates -> challenging -------------------> querying
 *   application, configured peers -----------------------------------------------------^
 *   query -> answering -> our own beacon <- beaconing
 * ```
 *
 * A beacon can be recorded and sent again, from anywhere. So it makes a candidate, which is
 * challenged: an answer signed over a number that we have just drawn, or a session, makes a peer.
 */
import { randomHex } from "../../crypto/random.js";
import { DatagramType, MIN_QUERY_BYTES, NONCE_BYTES } from "../../wire/constants.js";
import { datagramType } from "../../wire/header.js";
import {
  type Beacon,
  type BeaconGroup,
  decodeAnswer,
  decodeQuery,
  type Instance,
} from "../../wire/presence.js";
import type { CoreContext } from "../context.js";
import {
  type Address,
  addressKey,
  type ContactPeer,
  type PeerSearch,
  type PeerView,
  type ReceivedDatagram,
  type Timed,
} from "../io.js";
import { TokenBucket } from "../tokenBucket.js";
import { Admission } from "./admission.js";
import { Answering } from "./answering.js";
import { Beaconing } from "./beaconing.js";
import { Candidates } from "./candidates.js";
import { Challenging } from "./challenging.js";
import { ConfiguredPeers } from "./configuredPeers.js";
import { DuplicateKeys } from "./duplicateKeys.js";
import { Liveness, PROBE_OFFSETS_MS } from "./liveness.js";
import { OwnBeacon } from "./ownBeacon.js";
import { Passers } from "./passers.js";
import { type OpenQuery, Querying } from "./querying.js";
import { type GroupsAnnounced, Registrar } from "./registrar.js";
import { Roster } from "./roster.js";
import type { RosterEntry } from "./rosterEntry.js";

/** Questions to everybody for one device: as often as a first message is repeated to it. */
const SEARCHES_PER_SECOND = 4;

export interface DiscoveryOptions {
  /**
   * Send beacons, answer queries to everybody, say goodbye. Without it we look on, and answer who
   * asks us alone.
   */
  readonly announce: boolean;
  /** Addresses that no broadcast reaches. */
  readonly configuredPeers: readonly Address[];
  /** A device that we knew has shown that another incarnation of it is running. */
  readonly restarted: (nowMs: number, device: string) => void;
  /** Our groups as the beacon mentions them, at most `MAX_BEACON_GROUPS`. */
  readonly groups: () => readonly BeaconGroup[];
  readonly groupsAnnounced: GroupsAnnounced;
}

export class Discovery implements Timed {
  readonly #context: CoreContext;
  readonly #roster: Roster;
  readonly #candidates: Candidates;
  readonly #passers = new Passers();
  readonly #searches = new TokenBucket(SEARCHES_PER_SECOND, SEARCHES_PER_SECOND);
  readonly #duplicateKeys: DuplicateKeys;
  readonly #admission: Admission;
  readonly #registrar: Registrar;
  readonly #liveness: Liveness;
  readonly #querying: Querying;
  readonly #challenging: Challenging;
  readonly #configured: ConfiguredPeers;
  readonly #answering: Answering;
  /** Undefined unless we announce ourselves. */
  readonly #beaconing: Beaconing | undefined;
  /** Given by the user, who bounds them. */
  #configuredPeers: readonly Address[];
  /** What waits for a moment. */
  #timed: readonly Timed[];
  #left = false;

  constructor(nowMs: number, context: CoreContext, options: DiscoveryOptions) {
    const { announce, groups, restarted, groupsAnnounced } = options;
    const configuredPeers = (): readonly Address[] => this.#configuredPeers;
    const roster = new Roster(context);
    const candidates = new Candidates(context.limits.peers);
    const duplicateKeys = new DuplicateKeys(context);
    // Those who merely claim to be there have no say in how rarely we speak.
    const peersLive = (): number => roster.liveCount;
    const querying = new Querying(context, { configuredPeers, peersLive });
    const configured = new ConfiguredPeers(nowMs, configuredPeers, roster, querying);
    const liveness = new Liveness(roster, (probeAtMs, entry) => {
      const { best } = entry;
      const offsetsMs = PROBE_OFFSETS_MS.filter(() => entry.takeCredit(best, MIN_QUERY_BYTES));
      if (offsetsMs.length > 0) querying.askHost(probeAtMs, best, offsetsMs);
    });
    const ownBeacon = new OwnBeacon(context, { groups, peersLive });
    this.#context = context;
    this.#configuredPeers = options.configuredPeers;
    this.#roster = roster;
    this.#candidates = candidates;
    this.#duplicateKeys = duplicateKeys;
    this.#querying = querying;
    this.#configured = configured;
    this.#liveness = liveness;
    this.#challenging = new Challenging(context, querying, peersLive);
    this.#answering = new Answering(context, ownBeacon, announce);
    this.#admission = new Admission(context, {
      roster,
      candidates,
      duplicateKeys,
      reportTwins: announce,
    });
    this.#registrar = new Registrar(context, {
      roster,
      liveness,
      duplicateKeys,
      isConfigured: (at) => configured.includes(at),
      restarted,
      groupsAnnounced,
      challenge: (challengedAtMs, at, device) =>
        this.#challenging.challenge(challengedAtMs, at, device),
    });
    this.#beaconing = announce
      ? new Beaconing(nowMs, context, ownBeacon, configuredPeers, (begunAtMs) => {
          querying.askLan(begunAtMs); // not to wait for everybody's next beacon
        })
      : undefined;
    this.#timed = [querying, liveness, configured, candidates, this.#challenging, this.#answering];
    if (this.#beaconing !== undefined) this.#timed = [...this.#timed, this.#beaconing];
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

  #receiveBeacon(nowMs: number, datagram: ReceivedDatagram): void {
    const admitted = this.#admission.beacon(nowMs, datagram);
    if (admitted === undefined) return;
    const { beacon } = admitted;
    const at = { address: datagram.from.address, port: beacon.dataPort };
    switch (admitted.kind) {
      case "life":
        this.#registrar.beaconed(nowMs, admitted.entry, beacon, datagram.bytes, at);
        return;
      case "repeated":
        this.#registrar.repeated(nowMs, admitted.entry, datagram.bytes, at);
        return;
      case "claim":
        this.#claimed(nowMs, beacon, datagram.bytes, at);
    }
  }

  #claimed(nowMs: number, beacon: Beacon, bytes: Uint8Array, at: Address): void {
    const known = this.#candidates.get(beacon);
    if (known === undefined || beacon.sequence > known.beacon.sequence) {
      const via = this.#configured.includes(at) ? "configured" : "broadcast";
      this.#candidates.set(nowMs, beacon, bytes, at, via);
    } else if (!this.#candidates.seenAt(known, at)) {
      return;
    }
    this.#challenging.challenge(nowMs, at, beacon.device);
  }

  #receiveLeave(nowMs: number, datagram: ReceivedDatagram): void {
    const entry = this.#admission.leave(nowMs, datagram);
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
    this.#answering.receive(nowMs, query, to, this.#roster.liveCount);
  }

  #receiveAnswer(nowMs: number, datagram: ReceivedDatagram): void {
    const answer = decodeAnswer(datagram.bytes);
    const { beacon } = answer;
    const query = this.#querying.find(answer.nonce);
    if (query === undefined) {
      this.#context.counters.add("datagramsUnknown");
      return;
    }
    if (!this.#admission.answer(nowMs, query, answer, datagram)) return;
    query.answered.add(beacon.device);
    const at = { address: datagram.from.address, port: beacon.dataPort };
    if (query.host === undefined) this.#challenging.proved(at, beacon.device);
    else this.#challenging.answered(query.host);
    if (beacon.device === this.#context.identity.device) {
      this.#candidates.delete(beacon);
      this.#duplicateKeys.twinProved(beacon, at);
      return;
    }
    if (!answer.announces) {
      const asked = query.host;
      const isThere = asked?.address === at.address && asked.port === at.port;
      this.#passers.proved(nowMs, beacon, isThere ? at : undefined);
      return;
    }
    const isThere = query.host?.address === at.address;
    if (
      !isThere &&
      (this.#mustProveAddress(beacon.device) || this.#isNewStart(nowMs, beacon, at))
    ) {
      this.#challenging.challenge(nowMs, at, beacon.device);
    } else {
      const sizeBytes = datagram.bytes.length;
      const entry = this.#proved(nowMs, beacon, at, { isThere, sizeBytes });
      if (entry !== undefined) this.#measure(nowMs, query, answer.heldUs, entry);
    }
  }

  /**
   * The source of an answer to everybody's question, or of a sealed packet, can be forged: so who
   * wants one of the last places is asked there. Else one host would seem to be thousands.
   */
  #mustProveAddress(device: string): boolean {
    const isNewcomer = (this.#roster.get(device)?.state ?? "offline") === "offline";
    return isNewcomer && this.#roster.isCrowded;
  }

  /** It would take the entry of the start before, which was not there. */
  #isNewStart(nowMs: number, beacon: Beacon, { address }: Address): boolean {
    const entry = this.#roster.get(beacon.device);
    return entry?.yieldsTo(nowMs, beacon) === true && !entry.isProvenAt(address);
  }

  /** An instance that announces itself is running. */
  #proved(
    nowMs: number,
    beacon: Beacon,
    at: Address,
    how: { readonly isThere: boolean; readonly sizeBytes: number },
  ): RosterEntry | undefined {
    const candidate = this.#candidates.delete(beacon);
    const bytes = candidate?.beacon.sequence === beacon.sequence ? candidate.bytes : undefined;
    const found = { via: candidate?.via ?? "query", bytes, ...how };
    const entry = this.#registrar.answered(nowMs, beacon, at, found);
    const holder = this.#roster.get(beacon.device)?.best;
    // Beside a live one: does that really run, too? Not where this one has just answered: it would
    // do so again, and be asked again.
    if (entry === undefined && holder !== undefined && addressKey(holder) !== addressKey(at)) {
      this.#challenging.challenge(nowMs, holder);
    }
    return entry;
  }

  /** Only queries to everybody are the application's; the round trip is the one just measured. */
  #measure(nowMs: number, query: OpenQuery, heldUs: number, entry: RosterEntry): void {
    const rttMs = query.roundTripMs(nowMs, heldUs);
    if (rttMs !== undefined) entry.sampleRtt(rttMs);
    if (query.direct) return;
    const view = entry.view();
    const peer: PeerView = { ...view, rttMs: rttMs ?? view.rttMs };
    this.#context.outputs.event({ kind: "answer", nonce: query.nonce, peer });
  }

  /**
   * An authenticated session packet of `peer` came from its address. `rttMs` is a new sample of
   * the round trip. Runs for every packet.
   */
  heard(nowMs: number, peer: ContactPeer, rttMs: number | undefined): void {
    if (this.#left || peer.id === this.#context.identity.device) return;
    if (this.#context.trust.isBlocked(peer.id)) return;
    const instance = { device: peer.id, incarnation: peer.incarnation };
    const at = { address: peer.address, port: peer.port };
    if (!peer.announces) this.#passers.proved(nowMs, instance, at);
    if (!peer.announces && this.#roster.get(peer.id) === undefined) return; // passes by
    if (this.#mustProveAddress(peer.id)) {
      this.#challenging.challenge(nowMs, at, peer.id);
      return;
    }
    this.#registrar.contacted(nowMs, peer, rttMs);
    if (this.#roster.get(peer.id)?.incarnation === peer.incarnation) {
      this.#candidates.delete(instance);
    }
  }

  /** We joined or left a group: not to wait for our next beacon. */
  groupsChanged(nowMs: number): void {
    if (!this.#left) this.#beaconing?.groupsChanged(nowMs);
  }

  /** Who is online and says in its beacons that it is in the group, and with which digest. */
  *announcedIn(groupId: string): Iterable<{ instance: Instance; digest: string }> {
    for (const entry of this.#roster.values()) {
      const mention = entry.groups.find((group) => group.groupId === groupId);
      if (entry.state !== "online" || mention === undefined) continue;
      const { device, incarnation } = entry;
      yield { instance: { device, incarnation }, digest: mention.digest };
    }
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

  /** What we say of ourselves has changed. */
  announceSoon(nowMs: number): void {
    if (!this.#left) this.#beaconing?.announceSoon(nowMs);
  }

  /** Other addresses than before that no broadcast reaches. */
  configurePeers(nowMs: number, addresses: readonly Address[]): void {
    this.#configuredPeers = addresses;
    this.#configured.changed(nowMs);
    this.announceSoon(nowMs);
  }

  /** We could not listen for `lagMs`: nobody is to be blamed for silence in that time. */
  compensate(nowMs: number, lagMs: number): void {
    if (!this.#left) this.#liveness.compensate(nowMs, lagMs);
  }

  /** The user blocked a device: it has no place in the roster any more. */
  blocked(nowMs: number, device: string): void {
    this.#candidates.deleteDevice(device);
    const entry = this.#roster.get(device);
    if (entry !== undefined) this.#registrar.remove(nowMs, entry);
  }

  /** That very start of the device has shown that it is running: just now, or it is online. */
  isPresent(nowMs: number, instance: Instance): boolean {
    if (this.#context.trust.isBlocked(instance.device)) return false;
    const entry = this.#roster.get(instance.device);
    if (entry?.incarnation === instance.incarnation && entry.state === "online") return true;
    return this.#passers.isPresent(nowMs, instance);
  }

  /** Asks whoever is at an address to show that it is running: soon, and as often as is allowed. */
  challenge(nowMs: number, at: Address): void {
    if (!this.#left) this.#challenging.challenge(nowMs, at);
  }

  /** Asks that start of a device to show that it is there, unless it did so lately. */
  confirm(nowMs: number, instance: Instance, at: Address): void {
    if (this.#left) return;
    const entry = this.#watched(instance);
    if (entry?.proven !== undefined || this.#passers.isFresh(nowMs, instance)) return;
    this.#challenging.challenge(nowMs, entry?.best ?? at, instance.device);
  }

  /** Where that very start of the device has shown that it is; undefined if it has not. */
  provenAddressOf(instance: Instance): Address | undefined {
    return this.#watched(instance)?.proven ?? this.#passers.addressOf(instance);
  }

  #watched({ device, incarnation }: Instance): RosterEntry | undefined {
    const entry = this.#roster.get(device);
    return entry?.incarnation === incarnation && entry.state !== "offline" ? entry : undefined;
  }

  /** Where the present start of the device has shown that it is, whether it is still there or not. */
  placeOf(device: string): Address | undefined {
    return this.#roster.get(device)?.proven;
  }

  /** Where the device is best reached, as far as it is known. */
  addressOf(device: string): Address | undefined {
    return this.#roster.get(device)?.best;
  }

  /**
   * Whether `sizeBytes` may go to `to`, where the device is said to be: spends what was heard from
   * there if the device has not shown that it is there. True for what the user or a session named.
   * If not, everybody is asked for the device: its answer pays for the next.
   */
  mayBeSent(nowMs: number, device: string, to: Address, sizeBytes: number): boolean {
    if (this.#configured.includes(to)) return true;
    const entry = this.#roster.get(device);
    // The challenges of a beacon have spent what it paid for.
    const isPaid = entry?.takeCredit(to, sizeBytes) ?? !this.#candidates.isSaidToBeAt(device, to);
    if (isPaid) return true;
    if (!this.#left && this.#searches.take(nowMs)) this.#querying.askFor(nowMs, device);
    return false;
  }

  /** A peer that is not offline was seen at this IPv4 literal. */
  isSeenAt(address: string): boolean {
    return this.#roster.isSeenAt(address);
  }

  /** Every peer that is known, those that are offline and the unproven (as suspect) included. */
  peers(): PeerView[] {
    const isCandidate = (device: string): boolean => this.#isCandidate(device);
    return [...this.#roster.views(), ...this.#candidates.views(isCandidate)];
  }

  /** Those of `peers` who are looked for. */
  findPeers(search: PeerSearch): PeerView[] {
    const isCandidate = (device: string): boolean => this.#isCandidate(device);
    return [...this.#roster.find(search), ...this.#candidates.find(search, isCandidate)];
  }

  /** The one of `peers` that is this device. */
  peer(device: string): PeerView | undefined {
    const entry = this.#roster.get(device);
    if (entry !== undefined) return entry.view();
    return this.#isCandidate(device) ? this.#candidates.viewOf(device) : undefined;
  }

  /** All that may be known of it are beacons that anybody could have recorded. */
  #isCandidate(device: string): boolean {
    return device !== this.#context.identity.device && this.#roster.get(device) === undefined;
  }

  /** Says goodbye if anybody was told of us, and is quiet from then on. */
  leave(nowMs: number): void {
    if (this.#left) return;
    this.#left = true;
    this.#timed = this.#beaconing === undefined ? [] : [this.#beaconing];
    this.#beaconing?.leave(nowMs);
  }

  nextWakeMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const part of this.#timed) nextMs = Math.min(nextMs, part.nextWakeMs());
    return nextMs;
  }

  wake(nowMs: number): void {
    for (const part of this.#timed) part.wake(nowMs);
  }
}

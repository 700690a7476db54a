import { IDENTITY_SEED_BYTES, identityFromSeed, verifyEd25519 } from "../../crypto/identity.js";
import { randomHex } from "../../crypto/random.js";
import { systemRandom } from "../../crypto/systemRandom.js";
import { UdpchatError } from "../../errors.js";
import { OnLinkTest } from "../../net/interfaces.js";
import type { LanAddress, LanInterface } from "../../net/lan.js";
import { Senders } from "../../net/senders.js";
import { HEEDLESS, openUdpSocket, type UdpSocket, WILDCARD_ADDRESS } from "../../net/udpSocket.js";
import {
  DatagramType,
  DISCOVERY_GROUP_ADDRESS,
  INCARNATION_BYTES,
  NONCE_BYTES,
} from "../../wire/constants.js";
import { datagramType, signatureOf, signedPart, withSignature } from "../../wire/header.js";
import {
  decodeAnswer,
  decodeBeacon,
  decodeQuery,
  encodeBeacon,
  encodeLeave,
  encodeQuery,
} from "../../wire/presence.js";
import type { DiscoveryEar } from "./discoveryEar.js";

/** Somebody on this network, and what passes between us without any session. */
export interface Neighbour extends LanAddress {
  /** Device key and nickname, as signed; undefined where nothing signed came. */
  readonly id: string | undefined;
  readonly name: string | undefined;
  /** Its beacon came, by broadcast or multicast. */
  readonly announced: boolean;
  /** It heard our beacon, and what it then asked us came by unicast. */
  readonly askedUs: boolean;
  /** It answered what we asked it by unicast. */
  readonly answered: boolean;
}

/** Nobody is heard there. */
export function unheard({
  address,
  port,
  id,
  name,
}: LanAddress & Partial<Pick<Neighbour, "id" | "name">>): Neighbour {
  return { address, port, id, name, announced: false, askedUs: false, answered: false };
}

const MAX_NEIGHBOURS = 256;
/** Beacons may be forged: so many queries are no more than three bytes for each of a beacon. */
const MAX_ASKED_BACK = 3;
/** Signatures take 40 microseconds each: so many are checked, whoever floods us. */
const MAX_CHECKS = 2_000;
/** Never again: by that other doctors know it for what it is. */
const BEACON_INTERVAL_MS = 0;

/**
 * Finds out by discovery alone who hears whom: where no session can be, and between versions.
 * Whoever hears a beacon of a key that it does not know asks its sender by unicast to show that it
 * is there (PROTOCOL.md section 3.1). So one beacon of a key that was made for it tells who hears
 * our broadcast, and whose unicast reaches us. It never answers that, and says goodbye in the end:
 * meanwhile it is a suspect of the name "doctor", which is not here for anybody.
 */
export class Neighbours {
  readonly #socket: UdpSocket;
  readonly #senders: Senders;
  readonly #discoveryPort: number;
  readonly #nonce = randomHex(systemRandom, NONCE_BYTES);
  readonly #incarnation = randomHex(systemRandom, INCARNATION_BYTES);
  readonly #identity = identityFromSeed(systemRandom.bytes(IDENTITY_SEED_BYTES));
  /** By `address:port`. Bounded by `MAX_NEIGHBOURS`. */
  readonly #known = new Map<string, Neighbour>();
  /** How often who announces himself was asked, by `address:port`. Bounded as those known are. */
  readonly #askedBack = new Map<string, number>();
  readonly #onLink: OnLinkTest;
  #checks = 0;
  #sequence = 0;
  #stop: () => void = () => undefined;

  /** @throws UdpchatError NETWORK_UNAVAILABLE */
  static async open(
    ear: DiscoveryEar,
    interfaces: readonly LanInterface[],
    discoveryPort: number,
  ): Promise<Neighbours> {
    let neighbours: Neighbours | undefined;
    const received = (bytes: Uint8Array, from: LanAddress): void => {
      neighbours?.received(bytes, from);
    };
    const socket = await openUdpSocket(
      { address: WILDCARD_ADDRESS, port: 0 },
      { ...HEEDLESS, received },
    );
    const senders = new Senders(HEEDLESS, () => undefined);
    await senders.reconcile(interfaces);
    neighbours = new Neighbours(socket, senders, new OnLinkTest(interfaces), discoveryPort);
    neighbours.#stop = ear.listen(received);
    return neighbours;
  }

  private constructor(
    socket: UdpSocket,
    senders: Senders,
    onLink: OnLinkTest,
    discoveryPort: number,
  ) {
    this.#socket = socket;
    this.#senders = senders;
    this.#onLink = onLink;
    this.#discoveryPort = discoveryPort;
  }

  list(): readonly Neighbour[] {
    return [...this.#known.values()];
  }

  /** One beacon, by broadcast and multicast, from every interface. */
  announce(): void {
    this.#sequence += 1;
    const unsigned = encodeBeacon({
      device: this.#identity.device,
      incarnation: this.#incarnation,
      sequence: this.#sequence,
      startedAtMs: Date.now(),
      intervalMs: BEACON_INTERVAL_MS,
      dataPort: this.#socket.port,
      groups: [],
      name: "doctor",
    });
    this.#sendToAll(unsigned);
  }

  /**
   * Asks who announced himself, a few times in all: whoever forges beacons could choose where our
   * queries go. Queries are not even signed, and make us ask nobody.
   */
  askBack({ address, port, announced, answered }: Neighbour): void {
    const key = keyOf({ address, port });
    const count = this.#askedBack.get(key) ?? 0;
    if (!announced || answered || count >= MAX_ASKED_BACK || !this.#onLink.has(address)) return;
    this.#askedBack.set(key, count + 1);
    this.ask({ address, port });
  }

  /** Asks whoever is there by unicast: only where we were pointed, or somebody is known to be. */
  ask(at: LanAddress): void {
    const query = encodeQuery({
      nonce: this.#nonce,
      incarnation: this.#incarnation,
      dataPort: this.#socket.port,
      direct: true,
      peersKnown: 0,
      known: new Uint8Array(0),
    });
    this.#socket.send(query, at);
  }

  /** What came to us, or to everybody: only what is genuine counts. */
  received(bytes: Uint8Array, from: LanAddress): void {
    try {
      this.#dispatch(bytes, from);
    } catch (error) {
      if (!(error instanceof UdpchatError) || error.code !== "MALFORMED_DATAGRAM") throw error;
    }
  }

  /** Whoever heard of us forgets us. */
  async close(): Promise<void> {
    this.#stop();
    if (this.#sequence > 0) this.#leave();
    // Closing cancels what is still queued.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#senders.close();
    await this.#socket.close();
  }

  #leave(): void {
    const { device } = this.#identity;
    const sequence = this.#sequence + 1;
    this.#sendToAll(encodeLeave({ device, incarnation: this.#incarnation, sequence }));
  }

  #sendToAll(unsigned: Uint8Array): void {
    const bytes = withSignature(unsigned, this.#identity.sign(unsigned));
    const port = this.#discoveryPort;
    this.#senders.broadcast(bytes, port);
    this.#senders.multicast(bytes, { address: DISCOVERY_GROUP_ADDRESS, port });
  }

  #dispatch(bytes: Uint8Array, { address, port }: LanAddress): void {
    switch (datagramType(bytes)) {
      case DatagramType.beacon: {
        const { device: id, dataPort, name, intervalMs } = decodeBeacon(bytes);
        // A forged source beyond the link could be anybody.
        if (intervalMs === BEACON_INTERVAL_MS || !this.#onLink.has(address)) return;
        if (!this.#isGenuine(id, bytes)) return;
        this.#note({ address, port: dataPort }, { id, name, announced: true });
        return;
      }
      case DatagramType.query: {
        const query = decodeQuery(bytes);
        // Those to everybody come to the ear as well, and say nothing about us.
        if (!query.direct || query.incarnation === this.#incarnation) return;
        if (!this.#onLink.has(address)) return;
        this.#note({ address, port }, { askedUs: true });
        return;
      }
      case DatagramType.answer: {
        const { nonce, beacon } = decodeAnswer(bytes);
        if (nonce !== this.#nonce || !this.#isGenuine(beacon.device, bytes)) return;
        this.#note({ address, port }, { id: beacon.device, name: beacon.name, answered: true });
      }
    }
  }

  #isGenuine(device: string, bytes: Uint8Array): boolean {
    this.#checks += 1;
    return (
      this.#checks <= MAX_CHECKS && verifyEd25519(device, signedPart(bytes), signatureOf(bytes))
    );
  }

  #note({ address, port }: LanAddress, seen: Partial<Neighbour>): void {
    const key = keyOf({ address, port });
    const before = this.#known.get(key);
    if (before === undefined && this.#known.size >= MAX_NEIGHBOURS) return;
    this.#known.set(key, { ...unheard({ address, port }), ...before, ...seen });
  }
}

function keyOf({ address, port }: LanAddress): string {
  return `${address}:${port}`;
}

import type { PeerRef as CorePeerRef, PeerView } from "../core/io.js";
import type { Peer, PeerRef, PeerTrust } from "./types.js";

/** What is held of a key that calls itself `name`: see `trustBook.ts`. */
export interface TrustReader {
  trustOf(id: string, name: string): PeerTrust;
}

/** A peer as messages mention it, without what else the core knows of it. */
export function peerRef(peer: CorePeerRef, trust: TrustReader): PeerRef & { readonly id: string } {
  const { id, name, address, port } = peer;
  return { id, name, address, port, trust: trust.trustOf(id, name) };
}

/** A roster entry in the public vocabulary. */
export function rosterPeer(peer: PeerView, trust: TrustReader): Peer {
  return {
    id: peer.id,
    name: peer.name,
    address: peer.address,
    port: peer.port,
    trust: trust.trustOf(peer.id, peer.name),
    state: peer.state,
    via: peer.via,
    rttMs: peer.rttMs ?? null,
    addresses: peer.addresses.map(({ address, port }) => ({ address, port })),
  };
}

import type { PeerRef as CorePeerRef, PeerView } from "../core/io.js";
import type { Peer, PeerRef } from "./types.js";

/** A peer as messages mention it, without what else the core knows of it. */
export function peerRef(peer: CorePeerRef): PeerRef {
  return { id: peer.id, name: peer.name, address: peer.address, port: peer.port };
}

/** A roster entry in the public vocabulary. */
export function rosterPeer(peer: PeerView): Peer {
  return {
    id: peer.id,
    name: peer.name,
    address: peer.address,
    port: peer.port,
    state: peer.state,
    via: peer.via,
    rttMs: peer.rttMs ?? null,
    addresses: peer.addresses.map(({ address, port }) => ({ address, port })),
  };
}

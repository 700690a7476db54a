/** Those who could not be examined: who hears whom all the same. */
import type { PeerRefLine } from "../../api/lines.js";
import { sanitiseName } from "../../sanitise.js";
import { type Finding, finding } from "../finding.js";
import type { Neighbour } from "../probes/neighbours.js";
import type { Explanation } from "./firewall.js";
import { peerLabel } from "./peers.js";

/** `explanation`: what of our own firewall certainly drops its unicast. */
export function judgeNeighbour(
  neighbour: Neighbour,
  explanation: Explanation | undefined,
  platform: NodeJS.Platform,
): Finding[] {
  const { announced, askedUs, answered } = neighbour;
  const peer = refOf(neighbour);
  const label = peerLabel(peer);
  if (answered) {
    return [
      finding("PEER_NOT_EXAMINED", "note", {
        seen: `${label} answers when it is looked for, but takes no messages`,
        meaning: "a command runs there that reads none, or it has blocked you",
        remedy: "start a daemon there, or ask the person there",
        command: "udpchat start",
        peer,
      }),
    ];
  }
  if (askedUs) {
    return [
      finding("PEER_DEAF", "problem", {
        seen: `${label} hears our broadcast, and what it sends reaches us, but nothing that we send to it alone arrives`,
        meaning:
          "it sees you, and you can't write to it; a firewall on its side lets no unicast in",
        remedy: "open its UDP ports: run udpchat doctor on that machine",
        command: "udpchat doctor",
        peer,
      }),
    ];
  }
  if (announced) {
    const because = explanation === undefined ? "" : `: ${explanation.cause}`;
    return [
      finding("PEER_ONLY_HEARD", "problem", {
        seen: `${label} is heard announcing itself, but answers nothing that we send${because}`,
        meaning:
          explanation === undefined
            ? "datagrams pass in one direction alone: a firewall on either side, or an access point that isolates its clients"
            : "you see it, and neither of you can write to the other",
        remedy:
          explanation === undefined
            ? "run udpchat doctor on that machine too; on Wi-Fi, switch client (AP) isolation off"
            : "let it pass",
        command: explanation?.command ?? "udpchat doctor",
        peer,
      }),
    ];
  }
  return [
    finding("PEER_SILENT", "problem", {
      seen: `nothing at all comes from ${label}${explanation === undefined ? "" : `: ${explanation.cause}`}`,
      meaning:
        "it is switched off, not on this network, or kept from it by a firewall or by client isolation",
      remedy:
        explanation === undefined
          ? "check that udpchat runs there, that both are on the same network, and ping it"
          : "let it pass",
      command: explanation?.command ?? pingCommand(peer.address, platform),
      peer,
    }),
  ];
}

function pingCommand(address: string, platform: NodeJS.Platform): string {
  return `ping ${platform === "win32" ? "-n" : "-c"} 3 ${sanitiseName(address)}`;
}

function refOf({ id, name, address, port }: Neighbour): PeerRefLine {
  return { id: id ?? null, name: name ?? "", address, port, trust: null };
}

/** Nobody answered, and nobody was heard. */
export function judgeNobody(listenedMs: number): Finding {
  return finding("NOBODY_FOUND", "note", {
    seen: `nobody answered, and nobody announced himself within ${Math.round(listenedMs / 1000)} s`,
    meaning:
      "no udpchat runs on another machine of this network, or something keeps you apart: guest " +
      "Wi-Fi and hotels isolate their clients from one another",
    remedy:
      "start udpchat on a second machine of this network, and run udpchat doctor there as well",
    command: "udpchat start && udpchat doctor",
  });
}

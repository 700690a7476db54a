/** What every contender of the comparison can do, each part in a process of its own. */

export interface Endpoint {
  /** IPv4 literal. */
  readonly address: string;
  readonly port: number;
}

/** Where a process of a contender finds itself. */
export interface Venue {
  /** Of this process's host, and the interface that has it. */
  readonly address: string;
  readonly interfaceName: string;
  /** Whom to connect to: the answerer, the receiver, the relay or the broker; undefined if nobody. */
  readonly peer: Endpoint | undefined;
  /** A port that nobody else uses, the same for all processes of the contender. */
  readonly port: number;
  /** Members of the group, the speaker not included. */
  readonly members: number;
  /** Of this process alone; it does not exist yet. */
  readonly folder: string;
  /** Of this process alone: letters and digits. */
  readonly name: string;
}

/** Takes a text that arrived. */
export type Take = (text: string) => void;

/** The sending end of a connection. */
export interface Outlet {
  /** Hands over one text. A promise says that the next one is to wait for it. */
  send(text: string): Promise<unknown> | undefined;
  /** Settles when what was handed over has left, as far as the sender can know. */
  drained(): Promise<unknown>;
}

/** All texts are of ASCII. */
export interface Contender {
  /** Replies to every request with its own text. Resolves with where, if not at a broker. */
  answer(venue: Venue): Promise<Endpoint | undefined>;
  /** Resolves with a function that resolves with the reply. */
  ask(venue: Venue): Promise<(text: string) => Promise<string>>;
  /** Resolves with where, if not at a broker. */
  receive(venue: Venue, take: Take): Promise<Endpoint | undefined>;
  send(venue: Venue): Promise<Outlet>;
  /** Stands between the members of a group, where something of ours has to. */
  relay?(venue: Venue): Promise<Endpoint>;
  /** Resolves once everything that is said from now on arrives. */
  join(venue: Venue, take: Take): Promise<void>;
  /** Resolves once all members hear. */
  speak(venue: Venue): Promise<Outlet>;
}

/** Lets so many texts pass between two waits: for those that have no better measure. */
export function everySo(
  many: number,
  wait: () => Promise<unknown>,
): () => Promise<unknown> | undefined {
  let count = 0;
  return () => {
    count += 1;
    return count % many === 0 ? wait() : undefined;
  };
}

/** This project, as its users import it: sealed, acknowledged, exactly once, in order. */
import { setTimeout as delay } from "node:timers/promises";
import { type Group, Messenger, type MessengerOptions } from "../../../../src/index.js";
import type { Contender, Endpoint, Outlet, Take, Venue } from "../contender.js";

/** Messages that wait for their delivery: with more nothing gets quicker. */
const IN_FLIGHT = 1024;
/** Lines that wait to be said; a group has room for 1 MiB of them. */
const LINES_WAITING = 256;
const GROUP = "#bench";
const PATIENCE_MS = 30_000;
const POLL_MS = 20;

/** A throw-away key and messages in memory, or a home with the store that is the default. */
export type Keeping = "memory" | "disk";

function open(venue: Venue, keeping: Keeping): Promise<Messenger> {
  const home: MessengerOptions =
    keeping === "memory" ? { ephemeral: true } : { home: venue.folder };
  return Messenger.open({
    ...home,
    name: venue.name,
    port: 0,
    discoveryPort: venue.port,
    interfaces: [venue.interfaceName],
  });
}

function placeOf(messenger: Messenger, { address }: Venue): Endpoint {
  return { address, port: messenger.status().port };
}

function targetOf({ peer }: Venue): string {
  if (peer === undefined) throw new Error("there is nobody to send to");
  return `${peer.address}:${peer.port}`;
}

async function takeAll(source: Messenger | Group, take: Take): Promise<void> {
  for await (const event of source.events()) {
    if (event.type === "message") take(event.message.text);
    if (event.type === "gap") throw new Error(`${event.gap.count} datagrams are lost for good`);
    if (event.type === "warning") process.stderr.write(`${event.warning.message}\n`);
  }
}

/** `hand` resolves when it is done; at most so many may be under way. */
function outlet(most: number, hand: (text: string) => Promise<unknown>): Outlet {
  let open = 0;
  let failure: { readonly error: unknown } | undefined;
  let awaited: { below: number; resolve: () => void; reject: (error: unknown) => void } | undefined;
  const look = (): void => {
    if (failure !== undefined) awaited?.reject(failure.error);
    else if (awaited !== undefined && open < awaited.below) awaited.resolve();
  };
  const settled = async (done: Promise<unknown>): Promise<void> => {
    try {
      await done;
      open -= 1;
    } catch (error) {
      failure ??= { error };
    }
    look();
  };
  const until = (below: number): Promise<void> =>
    new Promise((resolve, reject) => {
      awaited = { below, resolve, reject };
      look();
    });
  return {
    send(text) {
      open += 1;
      void settled(hand(text));
      return open < most ? undefined : until(most);
    },
    drained: () => until(1),
  };
}

export function udpchat(keeping: Keeping): Contender {
  return {
    async answer(venue) {
      const messenger = await open(venue, keeping);
      messenger.handle(({ text }) => text);
      return placeOf(messenger, venue);
    },

    async ask(venue) {
      const messenger = await open(venue, keeping);
      const target = targetOf(venue);
      return async (text) => (await messenger.ask(target, text, { timeoutMs: PATIENCE_MS })).text;
    },

    async receive(venue, take) {
      const messenger = await open(venue, keeping);
      void takeAll(messenger, take);
      return placeOf(messenger, venue);
    },

    async send(venue) {
      const messenger = await open(venue, keeping);
      const target = targetOf(venue);
      return outlet(IN_FLIGHT, (text) => messenger.send(target, text, { timeoutMs: PATIENCE_MS }));
    },

    async join(venue, take) {
      const messenger = await open(venue, keeping);
      void takeAll(await messenger.join(GROUP), take);
    },

    async speak(venue) {
      const messenger = await open(venue, keeping);
      const group = await messenger.join(GROUP);
      const endMs = performance.now() + PATIENCE_MS;
      while (group.members().length < venue.members) {
        if (performance.now() > endMs) throw new Error("not all members came");
        await delay(POLL_MS);
      }
      return outlet(LINES_WAITING, (text) => group.say(text));
    },
  };
}

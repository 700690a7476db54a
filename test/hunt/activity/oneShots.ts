import { SeededRandom } from "../../support/seededRandom.js";
import { JournalDisk } from "../diskJournal.js";
import { HuntHost } from "../huntHost.js";
import { anyHost, type Ingredient, moments, oneOf, wholeBetween } from "../plan.js";
import { cryptoOf } from "../simHome.js";
import { type HuntWorld, hashOf } from "../world.js";
import { askOf } from "./asking.js";
import { other } from "./innerCircle.js";
import { sendTo } from "./sending.js";

const MOST_DISCOVERIES = 6;
const MOST_ONE_SHOTS = 8;

/** Who is there. */
export const DISCOVERING: Ingredient = {
  name: "discovering",
  draw: (scene) =>
    moments(scene, MOST_DISCOVERIES).map((atMs) => {
      const place = anyHost(scene);
      const timeoutMs = wholeBetween(scene.random, 100, 3000);
      return {
        atMs,
        what: `${place} discovers, ${timeoutMs} ms`,
        run: (world: HuntWorld) => {
          const host = world.hosts[place];
          if (host !== undefined) discover(world, host, timeoutMs);
        },
      };
    }),
};

function discover(world: HuntWorld, host: HuntHost, timeoutMs: number): void {
  const { messenger } = host;
  if (messenger === undefined) return;
  const discovered = async (): Promise<void> => {
    const found = new Set<string>();
    for await (const { id, name } of messenger.discover({ timeoutMs })) {
      if (found.has(id) || id === host.id) {
        world.ledger.fault("discoveredOnce", `${host.name} discovered ${name} again, or itself`);
      }
      found.add(id);
    }
    world.count("discovered", found.size);
  };
  other(world, host, "discover", timeoutMs, discovered);
}

/** A program on the machine of a host that announces itself to nobody, does one thing and ends. */
export const ONE_SHOTS: Ingredient = {
  name: "one-shots",
  draw: (scene) =>
    moments(scene, MOST_ONE_SHOTS).map((atMs, number) => {
      const { random } = scene;
      const [at, to] = [anyHost(scene), anyHost(scene)];
      const does = oneOf(random, ["send", "send", "ask", "discover"]);
      const timeoutMs = oneOf(random, [1000, 5000, 30_000]);
      const endsMs = random.uniform() < 0.3 ? wholeBetween(random, 0, 3000) : timeoutMs + 1000;
      return {
        atMs,
        what: `a one-shot at ${at} begins to ${does} ${to}, ${timeoutMs} ms`,
        async run(world: HuntWorld) {
          const [machine, receiver] = [world.hosts[at], world.hosts[to]];
          if (machine === undefined || receiver === undefined) return;
          const program = oneShotOn(world, machine, `shot ${number}`);
          await program.start();
          if (does === "send") {
            sendTo(world, program, receiver, { options: { timeoutMs }, byAddress: true });
          } else if (does === "ask") askOf(world, program, receiver, timeoutMs);
          else discover(world, program, timeoutMs);
          world.at(world.nowMs + endsMs, () => void program.close());
        },
      };
    }),
};

function oneShotOn(world: HuntWorld, machine: HuntHost, name: string): HuntHost {
  const { plan } = machine;
  return new HuntHost(
    world,
    {
      name,
      nickname: name,
      address: machine.card.address ?? plan.address,
      dataPort: plan.dataPort,
      crypto: cryptoOf(plan.crypto.kind, name),
      limits: plan.limits,
      disk: new JournalDisk(new SeededRandom(world.seed ^ hashOf(name))),
      options: { announce: false, receives: false },
    },
    world.seed ^ hashOf(name),
  );
}

/**
 * Work that is shared by all machines of a network. Start workers on any of them, at any time, and
 * then the boss, who gives each of them one piece after the other:
 *
 *     export POOL_PASSPHRASE='several words that nobody guesses'
 *     node examples/workerPool.js worker
 *     node examples/workerPool.js boss 2000000        # how many primes are there below that?
 *
 * Who belongs to it knows the passphrase of a secret group. A request is executed at most once; a
 * piece whose worker goes away is given to another one.
 */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { Messenger, sanitiseName, UdpchatError } from "udpchat";

const GROUP = "#prime-pool";
const PIECE = 100_000;
/** Much longer than a piece takes. */
const TIMEOUT_MS = 3000;
/** Of a worker who did not answer: meanwhile the others can take what it had. */
const REST_MS = 10_000;

const [role, below = "2000000"] = process.argv.slice(2);
const passphrase = process.env["POOL_PASSPHRASE"];
if ((role !== "worker" && role !== "boss") || passphrase === undefined) {
  console.error("POOL_PASSPHRASE=... node workerPool.js worker | boss [NUMBER]");
  process.exit(2);
}
const messenger = await Messenger.open({ ephemeral: true, name: `${role}-${process.pid}` });
const group = await messenger.join(GROUP, { secret: true, passphrase });
if (role === "worker") await work();
else console.log(`${await countPrimes(Number(below))} primes are below ${below}`);
await messenger.close();

/** Until somebody stops it. */
async function work() {
  messenger.handle(({ from, text }) => {
    // Anybody on the network can ask: only members get something done.
    if (!group.members().some(({ id }) => id === from.id)) throw new Error("you are no member");
    const { start, end } = JSON.parse(text);
    console.log(`from ${start} to ${end}`);
    return String(primesWithin(start, end));
  });
  console.log("waiting for work");
  await new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, resolve);
  });
}

/**
 * Resolves when all pieces are done, however many workers come and go.
 * @param {number} below
 */
async function countPrimes(below) {
  /** @type {{ start: number, end: number }[]} */
  const pieces = [];
  for (let start = 0; start < below; start += PIECE) {
    pieces.push({ start, end: Math.min(start + PIECE, below) });
  }
  let open = pieces.length;
  let primes = 0;
  const allDone = new AbortController();
  if (open === 0) allDone.abort();
  /** Ids of those who have something to do; bounded by the members of the group. */
  const busy = new Set();

  /** @param {import("udpchat").PeerRef} worker */
  const employ = async ({ id, name }) => {
    if (id === null || !name.startsWith("worker-") || busy.has(id)) return;
    busy.add(id);
    for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
      try {
        const reply = await messenger.ask(id, JSON.stringify(piece), { timeoutMs: TIMEOUT_MS });
        primes += Number(reply.text);
        open -= 1;
        if (open === 0) allDone.abort();
      } catch (error) {
        if (!(error instanceof UdpchatError)) throw error;
        console.error(`${sanitiseName(name)} did not do it (${error.code}): somebody else will`);
        pieces.push(piece);
        await delay(REST_MS, undefined, { signal: allDone.signal }).catch(() => undefined);
      }
    }
    busy.delete(id);
  };
  const employAll = () => Promise.all(group.members().map(employ));

  // A piece that came back, or a worker who came: there is something to do again.
  const timer = setInterval(() => void employAll(), 1000);
  void employAll();
  for await (const event of group.events({ signal: allDone.signal })) {
    if (event.type === "presence") void employAll();
  }
  clearInterval(timer);
  return primes;
}

/**
 * Of the numbers from `start` up to `end`, which is not among them.
 * @param {number} start
 * @param {number} end
 */
function primesWithin(start, end) {
  let count = 0;
  for (let number = Math.max(2, start); number < end; number += 1) {
    if (isPrime(number)) count += 1;
  }
  return count;
}

/** @param {number} number */
function isPrime(number) {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) {
    if (number % divisor === 0) return false;
  }
  return true;
}

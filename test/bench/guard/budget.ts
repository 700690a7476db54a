import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as v from "valibot";

const FILE = fileURLToPath(new URL("./budget.json", import.meta.url));
/** How much dearer a count may be: what 1 KiB for each message is more than. */
const EXACT_HEADROOM = 0.06;
/** Where the time at which things happen, or a Node that nobody measured, plays a part. */
const LOOSE_HEADROOM = 0.25;
/** Whole datagrams come and go with the numbers that chance draws. */
const SLACK = 2;
/** A budget that is further above what is needed guards nothing. */
const TOO_GENEROUS = 0.25;

const MAJOR = process.versions.node.split(".", 1)[0] ?? "";
const COUNTS = ["datagramsOfSender", "datagramsOfReceiver", "allocatedKiB", "systemCalls"] as const;
export type Counted = (typeof COUNTS)[number];

/** For each 1,000 messages; by the major version of Node where that makes a difference. */
const CostSchema = v.union([v.number(), v.record(v.string(), v.number())]);
type Cost = v.InferOutput<typeof CostSchema>;
/** By load, then by what is counted. */
const BudgetSchema = v.record(v.string(), v.record(v.picklist(COUNTS), v.optional(CostSchema)));

/** What is wrong with a count: dearer than its budget, or so cheap that the budget is too high. */
export function complaint(load: string, what: Counted, counted: number): string | undefined {
  if (process.env["UPDATE_BUDGET"] === "1") {
    record(load, what, counted);
    return undefined;
  }
  const cost = read()[load]?.[what];
  const anew = "UPDATE_BUDGET=1 npx vitest run test/bench/guard";
  if (cost === undefined) return `${what} of ${load} has no budget: ${anew}`;
  const { budget, headroom } = budgetOf(cost, what);
  const sentence = `1,000 ${load}: ${what} ${counted}, and the budget is ${budget}`;
  if (counted > budget * (1 + headroom) + SLACK) {
    return `${sentence}. If it is worth that: ${anew}`;
  }
  if (counted < budget * (1 - TOO_GENEROUS) - SLACK) return `${sentence}. Lower it: ${anew}`;
  return undefined;
}

function budgetOf(cost: Cost, what: Counted): { budget: number; headroom: number } {
  if (typeof cost === "number") {
    return { budget: cost, headroom: what === "systemCalls" ? LOOSE_HEADROOM : EXACT_HEADROOM };
  }
  const known = cost[MAJOR];
  if (known !== undefined) return { budget: known, headroom: EXACT_HEADROOM };
  return { budget: Math.max(...Object.values(cost)), headroom: LOOSE_HEADROOM };
}

/** Of other versions of Node it is taken to change in the same measure. */
function record(load: string, what: Counted, counted: number): void {
  const budgets = read();
  const costs = { ...budgets[load], [what]: recorded(budgets[load]?.[what], what, counted) };
  writeFileSync(FILE, `${JSON.stringify({ ...budgets, [load]: costs }, undefined, 2)}\n`);
}

function recorded(cost: Cost | undefined, what: Counted, counted: number): Cost {
  const rounded = Math.round(counted);
  if (what !== "allocatedKiB") return rounded;
  const former = typeof cost === "object" ? cost : {};
  const factor = counted / (former[MAJOR] ?? counted);
  const scaled = Object.entries(former).map(([major, was]) => [major, Math.round(was * factor)]);
  return { ...Object.fromEntries(scaled), [MAJOR]: rounded };
}

function read(): v.InferOutput<typeof BudgetSchema> {
  return v.parse(BudgetSchema, JSON.parse(readFileSync(FILE, "utf8")));
}

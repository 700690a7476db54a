import * as v from "valibot";

/**
 * A statement or match of a rule, as libnftables-json(5) writes it. What is not understood here is
 * neither taken for a match nor for none.
 */
export type NftExpression = Readonly<Record<string, unknown>>;

export interface NftRule {
  readonly handle: number;
  readonly expressions: readonly NftExpression[];
}

/** A chain of a table, base chain or not. */
export interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Undefined: only other chains lead to it. */
  readonly hook: string | undefined;
  readonly policy: "accept" | "drop";
  readonly rules: readonly NftRule[];
}

/** What the packet filter of this host does. Named sets are not read. */
export interface NftRuleset {
  /** By `family table name`. */
  readonly chains: ReadonlyMap<string, NftChain>;
}

const listed = v.object({
  nftables: v.array(
    v.union([
      v.object({
        chain: v.object({
          family: v.string(),
          table: v.string(),
          name: v.string(),
          hook: v.optional(v.string()),
          policy: v.optional(v.string()),
        }),
      }),
      v.object({
        rule: v.object({
          family: v.string(),
          table: v.string(),
          chain: v.string(),
          handle: v.number(),
          expr: v.array(v.record(v.string(), v.unknown())),
        }),
      }),
      // Tables, sets, metainfo, and what later versions list.
      v.pipe(
        v.unknown(),
        v.transform(() => undefined),
      ),
    ]),
  ),
});

/** The output of `nft -j list ruleset`; undefined if it is none. */
export function parseNftRuleset(json: string): NftRuleset | undefined {
  const parsed = v.safeParse(listed, parseJson(json));
  if (!parsed.success) return undefined;
  const chains = new Map<string, NftChain & { rules: NftRule[] }>();
  for (const entry of parsed.output.nftables) {
    if (entry === undefined) continue;
    if ("chain" in entry) {
      const { family, table, name, hook, policy } = entry.chain;
      const verdict = policy === "drop" ? "drop" : "accept";
      const chain = { family, table, name, hook, policy: verdict, rules: [] } as const;
      chains.set(chainKey(chain), { ...chain, rules: [] });
    } else {
      const { chain: name, handle, expr: expressions, ...of } = entry.rule;
      chains.get(chainKey({ ...of, name }))?.rules.push({ handle, expressions });
    }
  }
  return { chains };
}

/** Where a chain is in `NftRuleset.chains`. */
export function chainKey(of: Pick<NftChain, "family" | "table" | "name">): string {
  return `${of.family} ${of.table} ${of.name}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

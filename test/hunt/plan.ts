import type { SeededRandom } from "../support/seededRandom.js";
import type { HuntWorld } from "./world.js";

/** Something that happens in a run. */
export interface Step {
  readonly atMs: number;
  /** Which work or fault it belongs to. */
  readonly kind: string;
  /** For people, in a trace. */
  readonly what: string;
  readonly run: (world: HuntWorld) => void | Promise<void>;
}

/** What is known when work and faults are drawn. */
export interface Scene {
  readonly random: SeededRandom;
  /** Hosts are `world.hosts[0]` to here. */
  readonly hosts: number;
  /** Everything begins and ends before it; then there is peace. */
  readonly activeMs: number;
}

/** A kind of work or fault, of which a seed may have some. */
export interface Ingredient {
  readonly name: string;
  readonly draw: (scene: Scene) => readonly Omit<Step, "kind">[];
}

/** A whole number from `low` to `high`, both included. */
export function wholeBetween(random: SeededRandom, low: number, high: number): number {
  return low + Math.floor(random.uniform() * (high - low + 1));
}

export function oneOf<T>(random: SeededRandom, items: readonly T[]): T {
  const item = items[Math.floor(random.uniform() * items.length)];
  if (item === undefined) throw new Error("nothing to choose from");
  return item;
}

/** Moments of a scene, `most` at most, in order. */
export function moments({ random, activeMs }: Scene, most: number): number[] {
  // Mostly few: what many do to each other hides what one does, and costs time.
  const count = 1 + Math.floor(most * random.uniform() ** 2);
  return Array.from({ length: count }, () => Math.floor(random.uniform() * activeMs)).toSorted(
    (a, b) => a - b,
  );
}

/** A host, by its place. */
export function anyHost({ random, hosts }: Scene): number {
  return wholeBetween(random, 0, hosts - 1);
}

/** Two hosts that are not the same. */
export function twoHosts(scene: Scene): [number, number] {
  const first = anyHost(scene);
  const second = (first + wholeBetween(scene.random, 1, scene.hosts - 1)) % scene.hosts;
  return [first, second];
}

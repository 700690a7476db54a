import { expect, it } from "vitest";
import { Tally, textsOf } from "./texts.js";

const turn = async (): Promise<void> => undefined;

it("makes texts of the wanted size", () => {
  const texts = textsOf(7, 64);
  expect(texts(0)).toHaveLength(64);
  expect(texts(99_999_999)).toHaveLength(64);
  expect(texts(1)).not.toBe(texts(2));
});

it("counts each text once, and those that came behind a later one", async () => {
  const texts = textsOf(3, 64);
  const tally = new Tally(3);
  for (const number of [0, 2, 1, 2, 5]) tally.take(texts(number));
  const counted = await tally.counted(6, 0, turn);
  expect(counted).toMatchObject({ received: 4, duplicates: 1, disordered: 1 });
});

it("does not count what is left of an earlier round", async () => {
  const tally = new Tally(4);
  tally.take(textsOf(3, 64)(0));
  expect(await tally.counted(0, 0, turn)).toMatchObject({ received: 0, duplicates: 0 });
});

it("has room for more texts than it began with", async () => {
  const tally = new Tally(1);
  const number = 3_000_000;
  tally.take(textsOf(1, 64)(number));
  tally.take(textsOf(1, 64)(number));
  expect(await tally.counted(1, 0, turn)).toMatchObject({ received: 1, duplicates: 1 });
});

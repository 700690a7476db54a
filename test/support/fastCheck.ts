/**
 * fast-check, which draws the same inputs in every run, so that a change is judged by itself alone:
 * `PROPERTY_SEED=random npm test` hunts for more, and a failure prints the seed to name instead.
 */
import fc from "fast-check";

const FIXED_SEED = 2_027;

const asked = process.env["PROPERTY_SEED"];
if (asked !== "random") fc.configureGlobal({ seed: Number(asked ?? FIXED_SEED) });

export default fc;

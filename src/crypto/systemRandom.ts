import sodium from "sodium-native";
import type { RandomSource } from "./random.js";

/** The operating system's generator. */
export const systemRandom: RandomSource = {
  uniform: () => sodium.randombytes_random() / 2 ** 32,
  bytes(countBytes) {
    const bytes = Buffer.alloc(countBytes);
    sodium.randombytes_buf(bytes);
    return bytes;
  },
};

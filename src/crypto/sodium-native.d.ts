/** What the published types of sodium-native leave out. libsodium, crypto_aead(3). */
import "sodium-native";

declare module "sodium-native" {
  export function crypto_aead_chacha20poly1305_ietf_encrypt(
    ciphertext: Buffer,
    message: Uint8Array,
    associatedData: Uint8Array,
    secretNonce: null,
    publicNonce: Buffer,
    key: Buffer,
  ): number;

  /** Without a callback: rejects where one would get an error. */
  export function crypto_pwhash_async(
    output: Buffer,
    password: Buffer,
    salt: Buffer,
    opslimit: number,
    memlimit: number,
    algorithm: number,
  ): Promise<void>;

  /** Throws if the tag does not fit. */
  export function crypto_aead_chacha20poly1305_ietf_decrypt(
    message: Buffer,
    secretNonce: null,
    ciphertext: Uint8Array,
    associatedData: Uint8Array,
    publicNonce: Buffer,
    key: Buffer,
  ): number;
}

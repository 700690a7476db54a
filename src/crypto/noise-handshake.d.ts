/** The part of noise-handshake that we use. */
declare module "noise-handshake" {
  export interface KeyPair {
    readonly publicKey: Buffer;
    readonly secretKey: Buffer;
  }

  export default class NoiseState {
    constructor(pattern: "XX" | "IK" | "XK" | "NN", initiator: boolean, staticKeyPair: KeyPair);

    /** Our ephemeral key: drawn by the first `send` unless it is set before. */
    e: KeyPair | null;
    /** The static key of the other side, as soon as it is known. */
    readonly rs: Buffer | null;
    readonly complete: boolean;
    /** Once `complete`: keys for sending and receiving, and the handshake hash. */
    readonly tx: Buffer | null;
    readonly rx: Buffer | null;
    readonly hash: Buffer | null;

    initialise(prologue: Buffer, remoteStatic?: Buffer): void;
    send(payload?: Buffer): Buffer;
    /** Throws on a message that does not open, and is of no use afterwards. */
    recv(message: Buffer): Buffer;
  }
}

import type {
  AnsweredLine,
  ChatLine,
  DeliveryLine,
  ErrorLine,
  EventLine,
  GroupLine,
  IdLine,
  InvitedLine,
  LeftLine,
  PeerLine,
  RemovedLine,
  ReplyLine,
  SentLine,
  ServeLine,
  StatusLine,
  StoppedLine,
  TrustLine,
  VerificationLine,
} from "../../api/lines.js";

/** Everything that a command can print. */
export type Line =
  | AnsweredLine
  | ChatLine
  | DeliveryLine
  | ErrorLine
  | EventLine
  | GroupLine
  | IdLine
  | InvitedLine
  | LeftLine
  | PeerLine
  | RemovedLine
  | ReplyLine
  | SentLine
  | ServeLine
  | StatusLine
  | StoppedLine
  | TrustLine
  | VerificationLine;

/** Where the results of a command go: one for people, one for scripts. */
export interface Printer {
  readonly forScripts: boolean;
  /** As it comes. */
  line(line: Line): Promise<void>;
  /** A whole list at once. */
  peers(peers: readonly PeerLine[]): Promise<void>;
  groups(groups: readonly GroupLine[]): Promise<void>;
}

/** Takes text that ends in a newline. */
export type Write = (text: string) => Promise<void>;

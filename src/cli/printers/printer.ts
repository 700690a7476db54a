import type {
  AnsweredLine,
  ChatLine,
  ConfigLine,
  DeliveryLine,
  DiagnosisLine,
  ErrorLine,
  EventLine,
  ExaminationLine,
  FindingLine,
  GroupLine,
  HistoryLine,
  IdLine,
  InvitedLine,
  LeftLine,
  LogLine,
  PeerLine,
  ProgressLine,
  ReloadedLine,
  RemovedLine,
  ReplyLine,
  SentLine,
  ServeLine,
  ServiceLine,
  SettingLine,
  StatusLine,
  StoppedLine,
  TrustLine,
  VerificationLine,
} from "../../api/lines.js";

/** Everything that a command can print. */
export type Line =
  | AnsweredLine
  | ChatLine
  | ConfigLine
  | DeliveryLine
  | DiagnosisLine
  | ErrorLine
  | EventLine
  | ExaminationLine
  | FindingLine
  | GroupLine
  | HistoryLine
  | IdLine
  | InvitedLine
  | LeftLine
  | LogLine
  | PeerLine
  | ReloadedLine
  | RemovedLine
  | ReplyLine
  | SentLine
  | ServeLine
  | ServiceLine
  | SettingLine
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
  history(messages: readonly HistoryLine[]): Promise<void>;
  outbox(queued: readonly HistoryLine[]): Promise<void>;
  settings(settings: readonly SettingLine[]): Promise<void>;
  /** A queued message that was given up. */
  dropped(message: HistoryLine): Promise<void>;
  /** Not the end of this command, but what became of an earlier message. */
  progress(progress: ProgressLine): Promise<void>;
}

/** Takes text that ends in a newline. */
export type Write = (text: string) => Promise<void>;

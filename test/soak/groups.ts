import type { SoakHost } from "./soakHost.js";

/** A group, and who is in it all the time, by number of the host. */
export interface SoakGroup {
  readonly label: string;
  readonly secret: boolean;
  readonly holds: (index: number) => boolean;
}

/** Everybody's; one with a key; and a small open one, which copies by unicast. */
export const YARD: SoakGroup = { label: "#yard", secret: false, holds: () => true };
export const GROUPS: readonly SoakGroup[] = [
  YARD,
  { label: "#sealed", secret: true, holds: (index) => index % 3 === 0 || index === 1 },
  { label: "#corner", secret: false, holds: (index) => index % 2 === 1 },
];
/** People come to this one for a while, and go. */
export const VISITED = "#visited";

export function membersOf({ holds }: SoakGroup, hosts: readonly SoakHost[]): SoakHost[] {
  return hosts.filter(({ index }) => holds(index));
}

/** Bright white on black: a code with its colours swapped is read by few cameras. */
const WHITE_ON_BLACK = "\u001b[97;40m";
const RESET = "\u001b[0m";

/**
 * A QR code of half blocks, 37 columns wide for a key. Its light parts are drawn in the text colour,
 * so the colours are set, whatever the terminal's own are; where NO_COLOR forbids that, it suits a
 * dark terminal.
 */
export async function qrCode(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const { encodeQR } = await import("qr");
  const rows = encodeQR(text, "ascii", { ecc: "low" }).trimEnd().split("\n");
  if ((env["NO_COLOR"] ?? "") !== "") return rows.join("\n");
  return rows.map((row) => `${WHITE_ON_BLACK}${row}${RESET}`).join("\n");
}

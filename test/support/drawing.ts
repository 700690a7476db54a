/** A drawing in SVG that needs nothing beside it. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** For whoever cannot see it. */
  readonly title: string;
  /** CSS of its own kinds of lines and areas, and what is another colour in the dark. */
  readonly light: string;
  readonly dark: string;
}

/** Light and dark, by what the viewer prefers: contrast 3:1 and more with the ground. */
export function svgOf(
  { width, height, title, light, dark }: Drawing,
  parts: readonly string[],
): string {
  const style = `
  text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #33383d; }
  .title { font-size: 17px; font-weight: 600; }
  .name { font-weight: 600; }
  .small { font-size: 11px; fill: #5a636b; }
  .ground { fill: #ffffff; }${indented(light, "  ")}
  @media (prefers-color-scheme: dark) {
    text { fill: #e3e7ea; }
    .small { fill: #a7b0b8; }
    .ground { fill: #14181c; }${indented(dark, "    ")}
  }`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">`,
    `<style>${style}\n</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    `<title id="title">${title}</title>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function indented(css: string, by: string): string {
  const lines = css.trim().split("\n");
  return lines.map((line) => `\n${by}${line.trim()}`).join("");
}

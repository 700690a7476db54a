const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" } as const;

/** A text as it stands between two tags. */
export function xmlText(text: string): string {
  const entities = new Map<string, string>(Object.entries(ENTITIES));
  return text.replaceAll(/[&<>"']/g, (character) => entities.get(character) ?? character);
}

/** The text that {@link xmlText} made this of. */
export function textOfXml(xml: string): string {
  const characters = new Map<string, string>(Object.entries(ENTITIES).map(([c, e]) => [e, c]));
  return xml.replaceAll(/&\w+;/g, (entity) => characters.get(entity) ?? entity);
}

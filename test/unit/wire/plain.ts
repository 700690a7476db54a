/** The same value as JSON would say it, with every byte field in hexadecimal. */
export function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, field: unknown) =>
      field instanceof Uint8Array ? Buffer.from(field).toString("hex") : field,
    ),
  );
}

/**
 * What somebody does instead of says: a text that begins with `/me `, as in XEP-0245. It is sent as
 * it was typed, so that every program shows at least `alice: /me waves`; a chat on a terminal shows
 * `* alice waves`.
 */
const START = "/me ";

/** `/me waves`. */
export function toAction(action: string): string {
  return START + action;
}

/** `waves`; undefined of a text that says something. */
export function actionOf(text: string): string | undefined {
  return text.startsWith(START) && text.length > START.length
    ? text.slice(START.length)
    : undefined;
}

/** What a task is about, in a word or two: a workflow has focuses, and skills say which ones they are for. Pure. */

/** A focus: at most 100 characters, no comma (lists in variables are joined by it), no control character, no blank at an end. */
export const focusPattern = /^[^\s,\p{Cc}](?:[^,\p{Cc}]{0,98}[^\s,\p{Cc}])?$/u;

/** Most focuses of a workflow or a skill. */
export const maxFocuses = 20;

/** What two focuses have in common that mean the same: case and Unicode form do not count. */
export function focusKey(focus: string): string {
  return focus.normalize('NFC').toLowerCase().normalize('NFC');
}

/** Whether something that is for some focuses is chosen by others. No focus chooses everything; order does not count. */
export function isInFocus(itsFocuses: readonly string[], chosen: readonly string[]): boolean {
  if (chosen.length === 0) return true;
  const keys = new Set(chosen.map(focusKey));
  return itsFocuses.some((focus) => keys.has(focusKey(focus)));
}

/** Texts with values in them: `${{ matrix.node }}`. What stands between the braces is an expression of the conditions. Pure. */
import { parameterText } from '../../domain/parameter-variable.ts';
import { evaluate, type Scope } from './evaluate.ts';
import type { Expression } from './expression.ts';
import { parseCondition } from './parse-condition.ts';
import { conditionFault } from './words.ts';

/** A text that was read: pieces as they are, and expressions whose values come in their places. */
export type Template = readonly (string | Expression)[];

/** What begins a place for a value; `}}` ends it. */
export const placeOpening = '${{';

/** Whether a text has a place for a value. */
export function hasPlaces(text: string): boolean {
  return text.includes(placeOpening);
}

/** Reads a text. @throws {InputError} KERUTA_ERR_BAD_VALUE */
export function parseTemplate(text: string): Template {
  const parts: (string | Expression)[] = [];
  for (let at = 0; ; ) {
    const open = text.indexOf(placeOpening, at);
    if (open === -1) return [...parts, text.slice(at)];
    const close = text.indexOf('}}', open);
    if (close === -1) throw conditionFault(`expected }} behind the ${placeOpening} at character ${open + 1}`);
    parts.push(text.slice(at, open), parseCondition(text.slice(open + placeOpening.length, close)));
    at = close + 2;
  }
}

/** The text with its values: null is nothing, lists and maps are JSON. */
export function fill(template: Template, scope: Scope): string {
  return template
    .map((part) => {
      if (typeof part === 'string') return part;
      const value = evaluate(part, scope);
      return value === null ? '' : parameterText(value);
    })
    .join('');
}

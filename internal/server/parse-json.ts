/** JSON from outside: not too deep, and without the names that reach into prototypes. */
import { InputError } from '../domain/errors.ts';

/** How deep arrays and objects may lie in each other. What is deeper cannot be written again without overflow. */
export const maxJsonDepth = 64;

const quote = 0x22;
const backslash = 0x5c;

/**
 * Parses a JSON text.
 * @throws {InputError} KERUTA_ERR_BAD_BODY when it is no JSON, too deep, or has a key `__proto__` or `constructor`
 */
export function parseJson(text: string): unknown {
  checkDepth(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/,? "[\s\S]*$/, '') : '';
    throw new InputError('KERUTA_ERR_BAD_BODY', `The body is not JSON: ${why || 'it does not parse'}.`, {
      cause,
    });
  }
  // most bodies name neither, not even in escapes, and need no second look
  if (/__proto__|constructor|\\u/.test(text)) refuseKeys(value);
  return value;
}

/** Looks at the text before it is parsed, so that a deep one costs no memory. */
function checkDepth(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === 0x5b || code === 0x7b) depth++;
    else if (code === 0x5d || code === 0x7d) depth--;
    if (depth > maxJsonDepth) {
      throw new InputError(
        'KERUTA_ERR_BAD_BODY',
        `The body is nested deeper than the ${maxJsonDepth} levels that are taken.`,
        { details: { maxDepth: maxJsonDepth } },
      );
    }
  }
}

/** @param from  of the quote that begins it @returns where the quote is that ends it; the end of the text without one */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

function refuseKeys(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__' || key === 'constructor') {
      throw new InputError(
        'KERUTA_ERR_BAD_BODY',
        `The body has a key ${JSON.stringify(key)}, which is never taken; use another name.`,
      );
    }
    refuseKeys(inner);
  }
}

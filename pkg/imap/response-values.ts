/** Reads the values of a response: atoms, strings, literals, lists. @see RFC 9051, section 9 */
import { ImapError } from './imap-error.ts';
import type { Response } from './response-reader.ts';

/** An atom or a string, a literal, NIL, a list. */
export type ImapValue = string | Buffer | null | readonly ImapValue[];

/** Deepest list. */
const maxDepth = 50;

/** Reads everything in a response. @throws {ImapError} `protocol` */
export function readValues(response: Response): readonly ImapValue[] {
  const top: ImapValue[] = [];
  const open: ImapValue[][] = [top];
  const add = (value: ImapValue) => open.at(-1)?.push(value);
  for (const piece of response) {
    if (typeof piece !== 'string') {
      add(piece);
      continue;
    }
    for (const token of tokensOf(piece)) {
      if (token === '(') {
        const list: ImapValue[] = [];
        add(list);
        open.push(list);
        if (open.length > maxDepth)
          throw new ImapError('protocol', 'the server sent lists in lists without end');
      } else if (token === ')') {
        if (open.length === 1)
          throw new ImapError('protocol', 'the server closed a list that it never opened');
        open.pop();
      } else add(meaningOf(token));
    }
  }
  return top;
}

// a string in quotes, a bracket of a list, or an atom, which may hold a section in square brackets
const tokenPattern = /"(?:[^"\\]|\\.)*"|[()]|(?:\[[^\]]{0,200}\]|[^\s()"[])+/g;

function tokensOf(text: string): readonly string[] {
  return text.match(tokenPattern) ?? [];
}

function meaningOf(token: string): ImapValue {
  if (token.startsWith('"')) return token.slice(1, -1).replace(/\\(.)/g, '$1');
  return token.toUpperCase() === 'NIL' ? null : token;
}

/** What FETCH says of one message: item (in capitals) to value. Null when the response is none of FETCH. */
export function readFetch(response: Response): ReadonlyMap<string, ImapValue> | null {
  const [first] = response;
  if (typeof first !== 'string' || !/^\* \d+ FETCH /i.test(first)) return null;
  const [, , , list] = readValues(response);
  if (!Array.isArray(list)) return null;
  const items = new Map<string, ImapValue>();
  for (let i = 0; i + 1 < list.length; i += 2) items.set(String(list[i]).toUpperCase(), list[i + 1]);
  return items;
}

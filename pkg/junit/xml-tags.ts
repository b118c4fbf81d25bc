/** Reads the tags of an XML document, as far as reports need it. Pure, in one pass, and without entities of the document's own. */

/** A piece of a document. */
export type XmlPiece =
  | {
      readonly type: 'open';
      readonly name: string;
      readonly attributes: Readonly<Record<string, string>>;
      readonly isEmpty: boolean;
    }
  | { readonly type: 'close'; readonly name: string }
  | { readonly type: 'text'; readonly text: string };

/**
 * Takes a document apart. Namespaces are left off the names of tags; comments, processing instructions and the document type are passed
 * over. @throws {SyntaxError} it ends inside of a tag, or a tag is none
 */
export function* xmlPieces(text: string): Generator<XmlPiece> {
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('<', at);
    const end = open === -1 ? text.length : open;
    if (end > at) yield { type: 'text', text: decode(text.slice(at, end)) };
    if (open === -1) return;
    if (text.startsWith('<!--', open)) at = after(text, '-->', open + 4);
    else if (text.startsWith('<![CDATA[', open)) {
      at = after(text, ']]>', open + 9);
      yield { type: 'text', text: text.slice(open + 9, at - 3) };
    } else if (text.startsWith('<?', open)) at = after(text, '?>', open + 2);
    else if (text.startsWith('<!', open)) at = afterDocumentType(text, open);
    else {
      at = afterTag(text, open);
      yield tagOf(text.slice(open + 1, at - 1));
    }
  }
}

function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  if (found === -1) throw new SyntaxError(`the document ends before ${mark}`);
  return found + mark.length;
}

/** A document type may hold declarations in square brackets. */
function afterDocumentType(text: string, from: number): number {
  const end = after(text, '>', from);
  return text.slice(from, end).includes('[') ? after(text, ']>', from) : end;
}

/** A value may hold a `>`. */
function afterTag(text: string, from: number): number {
  let quote = '';
  for (let at = from + 1; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return at + 1;
  }
  throw new SyntaxError('the document ends inside of a tag');
}

const nameCharacters = /[^\s/>="'<]+/y;
const equals = /\s*=\s*/y;

function tagOf(inner: string): XmlPiece {
  const isClosing = inner.startsWith('/');
  const name = take(nameCharacters, inner, isClosing ? 1 : 0);
  if (name === '') throw new SyntaxError('a tag has no name');
  const local = name.slice(name.indexOf(':') + 1);
  if (isClosing) return { type: 'close', name: local };
  const attributes = attributesOf(inner, name.length);
  return { type: 'open', name: local, attributes, isEmpty: inner.endsWith('/') };
}

function attributesOf(inner: string, from: number): Readonly<Record<string, string>> {
  const found: [string, string][] = [];
  for (let at = from; at < inner.length; ) {
    const key = take(nameCharacters, inner, at);
    if (key === '') {
      at += 1;
      continue;
    }
    at += key.length;
    const sign = take(equals, inner, at);
    const quote = inner[at + sign.length] ?? '';
    if (sign === '' || (quote !== '"' && quote !== "'")) continue;
    const start = at + sign.length + 1;
    const end = inner.indexOf(quote, start);
    if (end === -1) break;
    found.push([key, decode(inner.slice(start, end))]);
    at = end + 1;
  }
  return Object.fromEntries(found);
}

/** What a sticky pattern finds at a place; `''` = nothing. */
function take(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(lt|gt|amp|quot|apos));/g,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return named[name as string] ?? whole;
      const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
      return code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : whole;
    },
  );
}

/** Reads YAML that people wrote, and knows on which line each of its fields stands. JSON is YAML too. */
import { type Document, isNode, LineCounter, parseAllDocuments } from 'yaml';

/** One document of a text. */
export interface YamlDocument {
  readonly value: unknown;
  /** the line on which a field stands, or what is nearest above it; from 1 */
  lineOf(path: readonly (string | number)[]): number;
}

/** What is wrong with a text. */
export interface YamlFault {
  /** from 1 */
  readonly line: number;
  /** what the parser says, at most 200 characters */
  readonly message: string;
}

/** Documents, or everything that keeps the text from being YAML, at most 20 faults. */
export type YamlReading =
  | { readonly documents: readonly YamlDocument[]; readonly faults?: undefined }
  | { readonly documents?: undefined; readonly faults: readonly YamlFault[] };

const [maxFaults, maxAliasCount] = [20, 100];
/** The parser's time grows with the square of such a row, which nobody means. */
const longRow = /([\n[\]{}"'?:,-])\1{499}/;

/**
 * Reads all documents of a text; empty ones are passed over. Tags make no objects, merge keys are keys like others, and
 * aliases that would multiply a small text are refused. Never throws.
 */
export function readYamlText(text: string): YamlReading {
  const row = longRow.exec(text);
  if (row !== null) {
    const line = text.slice(0, row.index).split('\n').length;
    return { faults: [{ line, message: `expected fewer than 500 ${JSON.stringify(row[1])} in a row` }] };
  }
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: false,
    logLevel: 'error',
  });
  const documents: readonly Document.Parsed[] = Array.isArray(parsed) ? parsed : [];
  const faults = documents
    .flatMap(({ errors }) => errors)
    .slice(0, maxFaults)
    .map(({ pos, message }) => ({ line: lines.linePos(pos[0]).line, message: shortened(message) }));
  if (faults.length > 0) return { faults };
  const read: YamlDocument[] = [];
  for (const document of documents) {
    try {
      const value: unknown = document.toJS({ maxAliasCount });
      if (value === null) continue;
      read.push({ value, lineOf: (path) => lineOf(document, lines, path) });
    } catch (error) {
      return {
        faults: [{ line: lineOf(document, lines, []), message: shortened((error as Error).message) }],
      };
    }
  }
  return { documents: read };
}

function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function shortened(message: string): string {
  if (message.includes('call stack')) return 'too many things in each other';
  return message.split('\n')[0]?.slice(0, 200) ?? '';
}

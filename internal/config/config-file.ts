/** Reads a configuration file: YAML, from which only keys and texts are taken, with the line of each. */
import { dirname } from 'node:path';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from 'yaml';
import { ConfigFault } from './fault.ts';

/** A file as it was read; `path` is for messages and as the base of relative paths. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/** One value of a file. */
export interface FileEntry {
  /** with dots: `api.url` */
  readonly key: string;
  readonly text: string;
  /** where it stands: `/home/a/.keruta/config.yaml:3` */
  readonly place: string;
  /** directory of the file, absolute when the file's path is */
  readonly directory: string;
}

/** Largest configuration file; bytes. */
export const maxConfigBytes = 1024 * 1024;

/** Most aliases of a file, and most values that it may come to with them: no small file can fill the memory. */
const [maxAliases, maxEntries] = [100, 2_000];

/**
 * Most lines and signs of structure, and deepest indent: the parser's time grows with their square. Real files have a
 * hundred.
 */
const [maxMarks, maxIndent] = [2_000, 200];
const deepIndent = new RegExp(`^[ \\t]{${maxIndent + 1}}`, 'm');

/** Longest key, in characters, and how many may lie in each other; settings have two. */
const [maxKeyLength, maxDepth] = [200, 16];

/**
 * Reads the entries of a file.
 * @returns entries in the order of the file; values that are null are left out, lists are joined with commas
 * @throws {ConfigFault} when it is not YAML, not a map, too large or hostile; the message has file and line
 */
export function readConfigFile(file: ConfigFile): FileEntry[] {
  if (Buffer.byteLength(file.text) > maxConfigBytes) {
    throw new ConfigFault(file.path, 'a file of at most 1 MiB', `${Buffer.byteLength(file.text)} bytes`);
  }
  refuseManyMarks(file);
  const lines = new LineCounter();
  // whether keys are unique is looked at below: the parser compares each with each
  const options = { lineCounter: lines, prettyErrors: false, merge: false, uniqueKeys: false };
  const document = parseDocument(file.text, options);
  const place = (offset: number | undefined) => `${file.path}:${lines.linePos(offset ?? 0).line}`;
  const broken = document.errors[0];
  if (broken) throw new ConfigFault(place(broken.pos[0]), 'YAML', whyNot(broken.message));
  refuseManyAliases(document, place);

  const entries: FileEntry[] = [];
  let visited = 0;
  const walk = (node: unknown, path: readonly string[], offset: number | undefined): void => {
    visited += 1;
    if (visited > maxEntries) throw new ConfigFault(place(offset), `at most ${maxEntries} values`, 'more');
    if (isAlias(node)) {
      walk(resolved(node), path, node.range?.[0]);
      return;
    }
    if (isMap(node)) {
      const keys = new Set<string>();
      for (const pair of node.items) {
        const key = isScalar(pair.key) ? String(pair.key.value) : '?';
        const at = isScalar(pair.key) ? pair.key.range?.[0] : offset;
        const fault = keyFault(key, keys, path.length);
        if (fault !== null) throw new ConfigFault(place(at), 'the key of a setting', fault);
        keys.add(key);
        walk(pair.value, [...path, key], at);
      }
      return;
    }
    if (path.length === 0) {
      if (node !== null && !(isScalar(node) && node.value === null)) {
        throw new ConfigFault(place(offset), 'keys and values such as `api:` with `url:` under it', 'text');
      }
      return;
    }
    const text = isSeq(node) ? node.items.map((item) => itemText(item, offset)).join(',') : scalarText(node);
    if (text === null) return;
    entries.push({ key: path.join('.'), text, place: place(offset), directory: dirname(file.path) });
  };
  const itemText = (item: unknown, offset: number | undefined): string => {
    const node = isAlias(item) ? resolved(item) : item;
    if (node === null || isScalar(node)) return scalarText(node) ?? '';
    throw new ConfigFault(place(offset), 'a list of texts', 'a list or keys within a list');
  };
  const resolved = (alias: Alias): unknown => {
    const node = alias.resolve(document);
    if (node !== undefined) return node;
    throw new ConfigFault(
      place(alias.range?.[0]),
      'an alias of something above it',
      `*${alias.source.slice(0, 40)}`,
    );
  };
  walk(document.contents, [], undefined);
  return entries;
}

/** What the parser says, short: it repeats what it read. */
function whyNot(message: string): string {
  return message.includes('call stack') ? 'too many things in each other' : message.slice(0, 200);
}

/** What is wrong with a key; null when nothing is. */
function keyFault(key: string, before: ReadonlySet<string>, depth: number): string | null {
  if (key === '__proto__') return key;
  if (key.length > maxKeyLength) return `one of ${key.length} characters`;
  if (depth >= maxDepth) return `${key} more than ${maxDepth} keys deep`;
  return before.has(key) ? `${key}, which stands there already` : null;
}

/** Looks at the text before it is parsed, so that a hostile one costs no time. */
function refuseManyMarks(file: ConfigFile): void {
  const indent = deepIndent.exec(file.text);
  if (indent !== null)
    throw new ConfigFault(lineAt(file, indent.index), `an indent of at most ${maxIndent}`, 'more');
  let marks = 0;
  for (const sign of file.text.matchAll(/[\n\r[\]{},:?&*!%"'\\]|(?<=[\s-])-/g)) {
    marks += 1;
    if (marks <= maxMarks) continue;
    throw new ConfigFault(
      lineAt(file, sign.index),
      `at most ${maxMarks} lines and signs of structure`,
      'more',
    );
  }
}

function lineAt({ path, text }: ConfigFile, offset: number): string {
  return `${path}:${text.slice(0, offset).split('\n').length}`;
}

function refuseManyAliases(document: Document, place: (offset: number | undefined) => string): void {
  let aliases = 0;
  visit(document as Document.Parsed, {
    Alias: (_key, alias) => {
      aliases += 1;
      if (aliases <= maxAliases) return;
      throw new ConfigFault(place(alias.range?.[0]), `at most ${maxAliases} aliases`, 'more');
    },
  });
}

/** The text as it stands in the file, so that `1e3` or `0x10` is judged by the setting's own kind. */
function scalarText(node: unknown): string | null {
  if (!isScalar(node) || node.value === null || node.value === undefined) return null;
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

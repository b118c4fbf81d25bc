/** Reads a configuration file: YAML, from which only keys and texts are taken, with the line of each. */
import { dirname } from 'node:path';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
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
const [maxAliases, maxEntries] = [100, 10_000];

/**
 * Reads the entries of a file.
 * @returns entries in the order of the file; values that are null are left out, lists are joined with commas
 * @throws {ConfigFault} when it is not YAML, not a map, too large or hostile; the message has file and line
 */
export function readConfigFile(file: ConfigFile): FileEntry[] {
  if (Buffer.byteLength(file.text) > maxConfigBytes) {
    throw new ConfigFault(file.path, 'a file of at most 1 MiB', `${Buffer.byteLength(file.text)} bytes`);
  }
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false, merge: false });
  const place = (offset: number | undefined) => `${file.path}:${lines.linePos(offset ?? 0).line}`;
  const broken = document.errors[0];
  if (broken) throw new ConfigFault(place(broken.pos[0]), 'YAML', broken.message);
  refuseManyAliases(document, file.path);

  const entries: FileEntry[] = [];
  let visited = 0;
  const walk = (node: unknown, path: readonly string[], offset: number | undefined): void => {
    visited += 1;
    if (visited > maxEntries) throw new ConfigFault(file.path, `at most ${maxEntries} values`, 'more');
    if (isAlias(node)) {
      walk(node.resolve(document), path, node.range?.[0]);
      return;
    }
    if (isMap(node)) {
      for (const pair of node.items) {
        const key = isScalar(pair.key) ? String(pair.key.value) : '?';
        const at = isScalar(pair.key) ? pair.key.range?.[0] : offset;
        if (key === '__proto__') throw new ConfigFault(place(at), 'the key of a setting', '__proto__');
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
    const text = isSeq(node) ? node.items.map(scalarText).join(',') : scalarText(node);
    if (text === null) return;
    entries.push({ key: path.join('.'), text, place: place(offset), directory: dirname(file.path) });
  };
  walk(document.contents, [], undefined);
  return entries;
}

function refuseManyAliases(document: Document, path: string): void {
  let aliases = 0;
  visit(document as Document.Parsed, {
    Alias: () => {
      aliases += 1;
      return aliases > maxAliases ? visit.BREAK : undefined;
    },
  });
  if (aliases > maxAliases) throw new ConfigFault(path, `at most ${maxAliases} aliases`, 'more');
}

/** The text as it stands in the file, so that `1e3` or `0x10` is judged by the setting's own kind. */
function scalarText(node: unknown): string | null {
  if (!isScalar(node) || node.value === null || node.value === undefined) return null;
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

/** The deployment files, and what keruta takes: for tests that hold one against the other. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { commandLoaders, loadCommands } from '../../cmd/keruta/commands.ts';
import { allOptions } from '../../cmd/keruta/options.ts';
import { settingKeys, settingsTable } from '../../internal/config/table.ts';
import type { Document } from '../fixtures/schemas/make-check.ts';

export { makeCheck } from '../fixtures/schemas/make-check.ts';

const root = resolve(import.meta.dirname, '../..');

/** A file of the project. @param path  from its root */
export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
/** A YAML or JSON file of one document; merge keys and anchors resolved. */
export const readDocument = (path: string): Document => parse(textOf(path), { merge: true });
/** The version that deployment files have to ask for. */
export const version: string = JSON.parse(textOf('package.json')).version;

/** Every Kubernetes object that everybody needs, with the file it stands in. */
export function kubernetesObjects(): readonly { readonly file: string; readonly object: Document }[] {
  const apart = ['kustomization.yaml', 'executor.yaml', 'runner.yaml'];
  const files = readdirSync(join(root, 'deploy/kubernetes')).filter((name) => !apart.includes(name));
  return files.flatMap((file) =>
    parseAllDocuments(textOf(`deploy/kubernetes/${file}`)).map((document) => ({
      file,
      object: document.toJS(),
    })),
  );
}

/** The containers of an object; none when it starts no pods. */
export const containersOf = (object: Document): readonly Document[] =>
  object.spec?.template?.spec?.containers ?? [];

/** Every variable that is a setting of keruta. */
export const knownVariables: ReadonlySet<string> = new Set(
  settingKeys.flatMap((key) => settingsTable[key].variables),
);

/** The address that a server listens at when nothing else is said. */
export const serverPort = settingsTable.serverPort.default;

/**
 * What keruta would not take of a command line, by its tables.
 * @param words  without `keruta` itself
 * @returns unknown command or options; empty when all is known
 */
export async function unknownWords(words: readonly string[]): Promise<readonly string[]> {
  const two = words.slice(0, 2).join(' ');
  const name = two in commandLoaders ? two : (words[0] ?? '');
  const command = (await loadCommands()).find((each) => each.name === name);
  if (command === undefined) return [name];
  const options = Object.keys(allOptions(command.options));
  return words.filter(
    (word) => word.startsWith('--') && !options.includes(word.slice(2).split('=')[0] ?? ''),
  );
}

/** The command lines of keruta in a shell script or in the words of a health check. */
export function kerutaLines(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/(?<![\w./$-])keruta ([a-z]+(?: (?:--)?[\w.-]+)*)/g)].map(([, line = '']) =>
    line.split(' '),
  );
}

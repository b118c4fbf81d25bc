/** Guides as tests read them: their blocks, and the commands that a reader would type. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import type { CliResult } from '../cmd/harness.ts';

const root = resolve(import.meta.dirname, '../..');
const fences = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** A page of the documentation. */
export interface Guide {
  readonly text: string;
  /** what stands in its blocks, in order */
  readonly all: readonly { readonly language: string; readonly inner: string }[];
  /** What stands in its blocks of one language; `''` = those without. */
  blocks(language: string): readonly string[];
  /** what stands between backquotes in its sentences */
  readonly inline: readonly string[];
  /** its lines `$ keruta …`, without that beginning */
  readonly commands: readonly string[];
}

/** Reads a page. @param path  from the root of the project */
export function readGuide(path: string): Guide {
  const text = readFileSync(join(root, path), 'utf8');
  const found = [...text.matchAll(fences)].map(([, language = '', inner = '']) => ({ language, inner }));
  const blocks = (wanted: string) =>
    found.filter(({ language }) => language === wanted).map(({ inner }) => inner);
  const inline = [...text.replaceAll(fences, '').matchAll(/`([^`\n]+)`/g)].map(([, words = '']) => words);
  return { text, all: found, blocks, inline, commands: blocks('console').flatMap(commandsOf) };
}

/** The commands of a console block, each without `$ keruta `. */
export function commandsOf(block: string): readonly string[] {
  const lines = block.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [, words] = /^\$ keruta (.*)$/.exec(line) ?? [];
    if (words === undefined) throw new Error(`expected "$ keruta …" in a console block, got ${line}`);
    return words;
  });
}

/** Writes the blocks of some languages as files: each says its own name in a comment on its first line. */
export function writeFiles(guide: Guide, languages: readonly string[], directory: string): readonly string[] {
  return languages.flatMap((language) => guide.blocks(language)).map((text) => writeFile(text, directory));
}

/** @see writeFiles; one block. @returns its name */
export function writeFile(text: string, directory: string): string {
  const [first = ''] = text.split('\n');
  const [, name = ''] = /^(?:#|\/\/) (\S+\.(?:yaml|toml|ts))$/.exec(first) ?? [];
  expect({ first, name }).toEqual({ first, name: expect.stringMatching(/./) });
  writeFileSync(join(directory, name), text);
  return name;
}

/** Types commands one after another; each has to succeed. @returns what each wrote */
export async function follow(
  commands: readonly string[],
  keruta: (words: readonly string[]) => Promise<CliResult>,
): Promise<readonly CliResult[]> {
  const results: CliResult[] = [];
  for (const line of commands) {
    const result = await keruta(wordsOf(line));
    const { status, err } = result;
    expect({ line, status, err: status === 0 ? '' : err }).toEqual({ line, status: 0, err: '' });
    results.push(result);
  }
  return results;
}

/** The words of a command, as a shell would part them: in double quotes, or between spaces. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

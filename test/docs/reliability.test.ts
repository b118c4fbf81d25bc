import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settingKeys, settingsTable } from '../../internal/config/table.ts';
import { unknownWords } from '../deploy/deployment-files.ts';
import { readGuide } from './guide.ts';

const root = resolve(import.meta.dirname, '../..');
const byHand = readGuide('docs/reliability-by-hand.md');
const figures = readGuide('docs/reliability.md');
const blocks = byHand.blocks('bash');

/** The rows that a text names; `F-14 to F-16` are three. */
function rowsOf(text: string): ReadonlySet<string> {
  const rows = new Set<string>();
  for (const [, kind = '', from = '', to = from] of text.matchAll(/\b([FS])-(\d{2,3})(?: to \1-(\d{2,3}))?/g))
    for (let number = Number(from); number <= Number(to); number++)
      rows.add(`${kind}-${String(number).padStart(2, '0')}`);
  return rows;
}

/** The rows that tests name, in titles and elsewhere. */
function rowsOfTests(): ReadonlySet<string> {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const tests = files.filter((file) => file.endsWith('.test.ts') && !file.startsWith('docs/'));
  return new Set(tests.flatMap((file) => [...rowsOf(readFileSync(join(root, 'test', file), 'utf8'))]));
}

describe('the page of fault rows by hand', () => {
  /** What a paragraph says it is about. */
  const headings = blocks
    .flatMap((block) => block.split('\n\n'))
    .flatMap((text) => /^# ([FS]-\d+[^:]*):/.exec(text)?.[1] ?? [])
    .join('\n');

  test('has a paragraph for each fault row that a test names', () => {
    const [named, told] = [rowsOfTests(), rowsOf(headings)];
    const faults = [...named].filter((row) => row.startsWith('F-'));
    expect(faults.length).toBeGreaterThan(100);
    expect(faults.filter((row) => !told.has(row)).toSorted()).toEqual([]);
  });

  test('says of each security requirement that a test names what to do, or why nothing can be done', () => {
    const told = rowsOf(headings + byHand.text.slice(byHand.text.indexOf('Of the other requirements')));
    const named = [...rowsOfTests()].filter((row) => row.startsWith('S-'));
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((row) => !told.has(row)).toSorted()).toEqual([]);
  });

  test('says in each paragraph what one sees', () => {
    const paragraphs = blocks
      .flatMap((block) => block.split('\n\n'))
      .filter((text) => /^# [FS]-\d+/.test(text));
    expect(paragraphs.length).toBeGreaterThan(100);
    for (const text of paragraphs) expect(text).toMatch(/^(?:#.*\n)*?#.*(Seen:|needs? |see there)/);
  });

  test('is text that bash reads', () => {
    for (const block of blocks) execFileSync('bash', ['-n'], { input: block });
  });

  test('names commands and options of keruta that exist', async () => {
    const lines = blocks
      .flatMap((block) => [
        ...block.replaceAll(/(?:^| )# .*$/gm, '').matchAll(/(?<![\w./:$-])keruta ([a-z][^\n;|&)>]*)/g),
      ])
      .map(([, line = '']) => line.split(/\s+/).map((word) => word.replaceAll(/['"`]/g, '')));
    expect(lines.length).toBeGreaterThan(60);
    for (const line of lines) {
      const words = line.filter((word) => word !== '');
      expect([words, await unknownWords(words)]).toEqual([words, []]);
    }
  });

  test('names settings that exist, and variables that a script has', () => {
    const variables = settingKeys.flatMap((key) => [
      ...settingsTable[key].variables,
      ...(settingsTable[key].serverVariables ?? []),
    ]);
    const ofScripts = /^KERUTA_(ATTEMPT|EVENT_FILE|PARAMETERS_FILE|PARAM_\w+)$/;
    const named = new Set(byHand.text.match(/\bKERUTA_[A-Z_]+\b/g) ?? []);
    expect([...named].filter((name) => !variables.includes(name) && !ofScripts.test(name))).toEqual([]);
  });
});

describe('the page of promises', () => {
  test('tells what was seen of each fault row that a test of test/faults names', () => {
    const files = readdirSync(join(root, 'test/faults')).filter((name) => name.endsWith('.test.ts'));
    const named = new Set(
      files.flatMap((name) => [...rowsOf(readFileSync(join(root, 'test/faults', name), 'utf8'))]),
    );
    const table = /## What was measured\n([\s\S]*?)\n## /.exec(figures.text)?.[1] ?? '';
    const told = rowsOf(table.replaceAll(/, (?=\d)/g, ' '));
    expect([...named].filter((row) => row.startsWith('F-') && !told.has(row)).toSorted()).toEqual([]);
  });

  test('names a test for each security requirement', () => {
    const table = /## Security requirements\n([\s\S]*?)\n## /.exec(figures.text)?.[1] ?? '';
    const told = rowsOf(table);
    expect([...rowsOfTests()].filter((row) => row.startsWith('S-') && !told.has(row)).toSorted()).toEqual([]);
    for (const line of table.split('\n').filter((text) => text.startsWith('| S-')))
      expect(line).toMatch(/`(test|scripts|bench)\//);
  });
});

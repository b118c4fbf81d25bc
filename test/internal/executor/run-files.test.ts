import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readProcessId } from '../../../internal/executor/shim/run-files.ts';
import { deletedStreams } from '../../../internal/executor/shim/run-losses.ts';

const directory = mkdtempSync(join(tmpdir(), 'run-files-'));
afterAll(() => rmSync(directory, { recursive: true }));

const stat = (pid: number) => `${pid} (a) b) S 1 1 1 0${' 0'.repeat(14)} 4711 0\n`;

describe('readProcessId', () => {
  test.each([
    ['a line of stat', stat(42), { pid: 42, startTicks: 4711 }],
    ['a bare pid', '42\n', { pid: 42, startTicks: null }],
    ['a line that is torn', '42 (a', null],
    ['nothing', '', null],
    ['pid 0', '0\n', null],
    ['pid 1', '1\n', null],
    ['a negative pid', '-5\n', null],
    ['a line of stat about pid 0', stat(0), null],
    ['a line of stat about pid 1', stat(1), null],
  ])('of %s', (_what, text, expected) => {
    writeFileSync(join(directory, 'shim'), text);
    expect(readProcessId(directory, 'shim')).toEqual(expected);
  });
});

describe('deletedStreams', () => {
  const seen = { stdout: { size: 10, readTo: 4 }, stderr: { size: 0, readTo: 0 } };

  test('tells nothing while the files are there, nor of one that never was', () => {
    writeFileSync(join(directory, 'spec.json'), '');
    writeFileSync(join(directory, 'stdout'), '');
    expect(deletedStreams(directory, seen)).toEqual([]);
  });

  test('tells of a file that is gone how much of it was seen and not read', () => {
    rmSync(join(directory, 'stdout'));
    expect(deletedStreams(directory, seen)).toEqual([
      { stream: 'stdout', offset: 4, maxBytes: 6, cause: 'deleted' },
    ]);
  });

  test('tells of both streams when the whole directory is gone, of a byte at the least', () => {
    expect(deletedStreams(join(directory, 'gone'), seen)).toEqual([
      { stream: 'stdout', offset: 4, maxBytes: 6, cause: 'deleted' },
      { stream: 'stderr', offset: 0, maxBytes: 1, cause: 'deleted' },
    ]);
  });
});

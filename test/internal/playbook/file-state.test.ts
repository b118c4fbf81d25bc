import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConflictError } from '../../../internal/domain/errors.ts';
import { fileState } from '../../../internal/playbook/file-state.ts';
import { openRun } from '../../../internal/playbook/run-state.ts';

let directory = '';
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'keruta-state-')), 'run');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

describe('the state of a run in a directory', () => {
  test('is there for the next start, under the id of the first one', () => {
    const first = fileState(directory);
    openRun(first, { steps: [], values: {}, newId: 'one' }).append({
      type: 'skipped',
      step: 0,
      reason: 'condition',
    });
    first.letGo();
    const second = fileState(directory);
    const run = openRun(second, { steps: [], values: {}, newId: 'two' });
    expect([run.id, run.isOld, run.history(0).skipped]).toEqual(['one', true, 'condition']);
    second.letGo();
  });

  test('can be read by its user alone', () => {
    const state = fileState(directory);
    state.append('{}');
    expect([statSync(directory).mode & 0o777, statSync(join(directory, 'run.jsonl')).mode & 0o777]).toEqual([
      0o700, 0o600,
    ]);
    state.letGo();
  });

  test('belongs to one process at a time', () => {
    const state = fileState(directory);
    expect(() => fileState(directory)).toThrow(ConflictError);
    expect(() => fileState(directory)).toThrow('another process runs the playbook whose state is in');
    state.letGo();
    fileState(directory).letGo();
  });

  test('keeps what is appended apart from a line that was cut off', () => {
    const state = fileState(directory);
    state.append('{"type":"stopped"}');
    writeFileSync(
      join(directory, 'run.jsonl'),
      `${readFileSync(join(directory, 'run.jsonl'), 'utf8')}{"type":"be`,
    );
    state.append('{"type":"skipped","step":1,"reason":"cancelled"}');
    const run = openRun(state, { steps: [], values: {}, newId: 'x' });
    expect([run.wasStopped, run.history(1).skipped]).toEqual([true, 'cancelled']);
    state.letGo();
  });
});

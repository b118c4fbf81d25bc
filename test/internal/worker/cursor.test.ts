import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Cursor } from '../../../internal/worker/cursor.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';

let directory: string;
let file: string;
const clock = new TestClock();
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keruta-cursor-'));
  file = join(directory, 'cursor.json');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('the cursor of a run that was handed on', () => {
  test('writes nothing more, neither soon nor now: the next agent owns the file', () => {
    const former = new Cursor(file, clock);
    former.state.mailbox = 10;
    former.save();
    former.close();
    const next = new Cursor(file, clock);
    next.state.mailbox = 20;
    next.state.lateSecrets.push({ value: 'late-value', from: { stdout: 0, stderr: 0 }, id: 'a' });
    next.save();

    former.state.mailbox = 11;
    former.touch();
    clock.advance(60_000);
    former.save();

    expect(former.isSaved).toBe(false);
    expect(new Cursor(file, clock).state).toMatchObject({ mailbox: 20, lateSecrets: [{ id: 'a' }] });
  });

  test('drops a write that was due when it was closed', () => {
    const cursor = new Cursor(file, clock);
    cursor.touch();
    cursor.close();
    clock.advance(60_000);
    expect(existsSync(file)).toBe(false);
  });
});

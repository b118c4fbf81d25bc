import { describe, expect, test } from 'vitest';
import { endWish, markOf } from '../../../internal/session/report-words.ts';
import { sampleTask } from '../store/samples.ts';

const about = { workflow: 'w', targetUrl: null, isCommented: true };
const usage = { durationMs: 12_000, cpuMs: null, peakMemoryBytes: null };
const task = sampleTask({ sessionId: 's', id: 't', attempt: 1, usage, message: '' });

describe('what is told of a task', () => {
  test.each([
    [{ status: 'COMPLETED', exitCode: 0 }, 'success', 'Succeeded, in 12s'],
    [{ status: 'FAILED', exitCode: 3 }, 'failure', 'Failed, exit code 3, in 12s'],
    [{ status: 'FAILED', exitCode: null, reason: 'timeout' }, 'failure', 'Failed, timeout, in 12s'],
    [{ status: 'FAILED', exitCode: 1, attempt: 3 }, 'failure', 'Failed, exit code 1, in 12s, attempt 3'],
    [{ status: 'CANCELLED', exitCode: null, usage: null }, 'error', 'Cancelled'],
  ] as const)('is its end, in a word and a line: %j', (change, state, description) => {
    const wish = endWish({ ...task, reason: null, signal: null, ...change }, about);
    expect([wish.state, wish.description]).toEqual([state, description]);
  });

  test('is a comment when one is wanted, with a link when there is an address', () => {
    const done = { ...task, status: 'COMPLETED' as const, message: 'three files\n' };
    expect(endWish(done, { ...about, isCommented: false }).comment).toBeNull();
    expect(endWish(done, about).comment).toBe(
      'Workflow `w`: **succeeded, in 12s**\n\n```text\nthree files\n```\n\nTask t',
    );
    const linked = endWish(done, { ...about, targetUrl: 'https://k.example/t' });
    expect(linked.comment).toMatch(/\[Task t\]\(https:\/\/k\.example\/t\)$/);
  });

  test('is shown as it is: what a script says ends no block, and names nobody', () => {
    const evil = 'a\n````\n@everybody <img src=x>\n```` b';
    const { comment } = endWish({ ...task, status: 'FAILED', message: evil }, about);
    expect(comment).toContain(`\n\`\`\`\`\`text\n${evil}\n\`\`\`\`\`\n`);
    const long = endWish({ ...task, status: 'FAILED', message: 'x'.repeat(100_000) }, about).comment;
    expect(long?.length).toBeLessThan(5_000);
  });

  test('bears a mark of its own for each end', () => {
    expect(markOf({ taskId: 't', version: 2 })).toBe('<!-- keruta t 2 -->');
  });
});

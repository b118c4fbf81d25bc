import { expect, test } from 'vitest';
import { makeProcessParts } from '../../cmd/keruta/process-context.ts';

/** What the parts of a process do with a SIGTERM; other listeners of this process do not hear it. */
function partsWithSignal() {
  const before = new Set(process.listeners('SIGTERM'));
  const beforeInt = new Set(process.listeners('SIGINT'));
  const parts = makeProcessParts();
  parts.takeSignals();
  const [listener] = process.listeners('SIGTERM').filter((each) => !before.has(each));
  for (const each of process.listeners('SIGTERM')) if (!before.has(each)) process.off('SIGTERM', each);
  for (const each of process.listeners('SIGINT')) if (!beforeInt.has(each)) process.off('SIGINT', each);
  return { parts, terminate: () => listener?.('SIGTERM') };
}

test('a signal that nobody listens for aborts what is under way', () => {
  const { parts, terminate } = partsWithSignal();
  terminate();
  expect(parts.signal.aborted).toBe(true);
});

test('a signal that came before anybody listened is told to the first who does, once', () => {
  const { parts, terminate } = partsWithSignal();
  terminate();
  const heard: unknown[] = [];
  parts.onStop((...said) => heard.push(['first', ...said]));
  parts.onStop((...said) => heard.push(['second', ...said]));
  expect(heard).toEqual([['first', 'SIGTERM', 1]]);
  terminate();
  expect(heard.slice(1)).toEqual([
    ['first', 'SIGTERM', 2],
    ['second', 'SIGTERM', 2],
  ]);
});

test('a signal that somebody listens for aborts nothing', () => {
  const { parts, terminate } = partsWithSignal();
  const heard: unknown[] = [];
  const giveBack = parts.onStop((...said) => heard.push(said));
  terminate();
  giveBack();
  expect(heard).toEqual([['SIGTERM', 1]]);
  expect(parts.signal.aborted).toBe(false);
});

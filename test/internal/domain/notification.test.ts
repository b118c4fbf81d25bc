import { describe, expect, test } from 'vitest';
import {
  fillTemplate,
  fullRules,
  isFailureTold,
  isRecoveryTold,
  isWanted,
  type NotifyRule,
  type NotifyWords,
  notifyDefaults,
  notifyEvents,
  templateWords,
  unknownWords,
} from '../../../internal/domain/notification.ts';
import { wordsOf } from '../../../internal/domain/notification-words.ts';

const told = (failures: readonly number[], most: number) =>
  Array.from({ length: most }, (_, n) => n + 1).filter((n) => isFailureTold(failures, n));

describe('R4: failures in a row', () => {
  test('are told at 1, 3 and 5, and then whenever their number has doubled', () => {
    expect(told([1, 3, 5], 100)).toEqual([1, 3, 5, 10, 20, 40, 80]);
  });

  test.each([
    [[1], [1, 2, 4, 8, 16]],
    [[3], [3, 6, 12]],
    [
      [2, 7],
      [2, 7, 14],
    ],
    [[], []],
  ])('are told at %j as %j', (failures, wanted) => {
    expect(told(failures, 16)).toEqual(wanted);
  });

  test('are followed by a recovery when one of them was told', () => {
    expect([1, 2, 3, 9].filter((before) => isRecoveryTold([3, 5], before))).toEqual([3, 9]);
    expect(isRecoveryTold([], 5)).toBe(false);
  });
});

describe('the rules of a workflow', () => {
  const server = { to: ['ops'], on: notifyDefaults.on, failures: notifyDefaults.failures };
  const rule = (more: Partial<NotifyRule>): NotifyRule => ({
    ...{ to: null, on: null, failures: null, subject: null, text: null },
    ...more,
  });

  test('are those of the server where it has none, and nobody is told where the list is empty', () => {
    expect(fullRules(null, server)).toEqual([{ ...server, subject: null, text: null }]);
    expect(fullRules([], server)).toEqual([]);
  });

  test('take from the server what they leave out', () => {
    expect(fullRules([rule({ on: ['recovery'] })], server)).toMatchObject([
      { to: ['ops'], on: ['recovery'], failures: [1, 3, 5] },
    ]);
    expect(fullRules([rule({ to: ['mail'], failures: [2] })], server)).toMatchObject([
      { to: ['mail'], on: server.on, failures: [2] },
    ]);
  });

  test('tell a failure once: that its retries are used up only to who asks for it', () => {
    const [usual] = fullRules(null, server);
    const wanted = notifyEvents.filter((event) => isWanted(usual!, { event, failures: 1 } as never));
    expect(notifyEvents.filter((event) => !wanted.includes(event))).toEqual(['retries_exhausted']);
    const [own] = fullRules([rule({ on: ['retries_exhausted'] })], server);
    expect(isWanted(own!, { event: 'retries_exhausted' })).toBe(true);
    expect(isWanted(own!, { event: 'failure', failures: 1 })).toBe(false);
  });

  test('leave failures between out', () => {
    const [usual] = fullRules(null, server);
    const numbers = [1, 2, 3, 4, 5, 6].filter((failures) => isWanted(usual!, { event: 'failure', failures }));
    expect(numbers).toEqual([1, 3, 5]);
  });
});

describe('words', () => {
  const facts = {
    ...{ workflow: 'nightly', session: 's', task: 'build', taskId: 't', agent: null, failures: 3 },
    ...{ message: 'no <space>', url: null, at: '2026-01-01T00:00:00.000Z', more: ['exit code 1'] },
    commands: ['keruta task logs t'],
    event: 'failure',
  } as const;

  test('say what happened, how it ended, and what to run', () => {
    const words = wordsOf(facts);
    expect(words.summary).toBe('Workflow nightly failed, 3 times in a row');
    expect(words.details.split('\n')).toEqual([
      ...['no <space>', '', 'exit code 1', 'task t', 'at 2026-01-01T00:00:00.000Z'],
      '$ keruta task logs t',
    ]);
  });

  test('have a subject of their own for every event, with the name of what it is about', () => {
    const subjects = notifyEvents.map((event) => wordsOf({ ...facts, event, session: 'nightly' }).summary);
    expect(new Set(subjects).size).toBe(notifyEvents.length);
    for (const subject of subjects) expect(subject).toContain('nightly');
    const alone = notifyEvents.map(
      (event) => wordsOf({ ...facts, event, workflow: null, failures: 1 }).summary,
    );
    expect(alone[0]).toBe('Task build of session s failed');
  });

  test('are cut when a script says too much', () => {
    expect(wordsOf({ ...facts, message: 'x'.repeat(100_000) }).details.length).toBeLessThan(3_000);
  });

  test('stand in the place of names in braces; what is missing is nothing, what is no name stays', () => {
    const words = wordsOf(facts);
    const text = '{workflow}/{task} {failures} [{agent}] {nothing} {{taskId}} {constructor} { workflow }';
    expect(fillTemplate(text, words)).toBe('nightly/build 3 [] {nothing} {t} {constructor} { workflow }');
    expect(unknownWords(text)).toEqual(['nothing', 'constructor']);
    const all = Object.keys(templateWords).map((name) => `{${name}}`);
    expect(fillTemplate(all.join(' '), words)).not.toMatch(/[{}]/);
  });

  test('that come out of a script are not looked at again', () => {
    const words: NotifyWords = wordsOf({ ...facts, message: '{taskId} $& {message}' });
    expect(fillTemplate('{message}', words)).toBe('{taskId} $& {message}');
  });
});

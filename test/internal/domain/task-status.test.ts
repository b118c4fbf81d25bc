import { describe, expect, test } from 'vitest';
import {
  isActive,
  isEnded,
  mayFollow,
  parseTaskStatus,
  taskStatuses,
} from '../../../internal/domain/task-status.ts';

describe('parseTaskStatus', () => {
  test.each([
    ['PROCESSING', 'PROCESSING'],
    ['in_progress', 'PROCESSING'],
    ['Running', 'PROCESSING'],
    ['QUEUED', 'PENDING'],
    ['RETRYING', 'PENDING'],
    ['CANCELED', 'CANCELLED'],
    [' completed ', 'COMPLETED'],
    ['LOST', 'LOST'],
  ])('%s is read as %s', (text, status) => expect(parseTaskStatus(text)).toBe(status));

  test.each(['', 'NOPE', 'DONE', 'constructor'])('"%s" is no status', (text) =>
    expect(parseTaskStatus(text)).toBeNull(),
  );
});

describe('S-06: the transition table', () => {
  test('every status may be said again', () => {
    for (const status of taskStatuses) expect(mayFollow(status, status)).toBe(true);
  });

  test('a completed task stays completed', () => {
    expect(taskStatuses.filter((to) => to !== 'COMPLETED' && mayFollow('COMPLETED', to))).toEqual([]);
  });

  test('failed, cancelled and lost tasks go back to pending only, but a lost one may still end', () => {
    expect(taskStatuses.filter((to) => mayFollow('FAILED', to))).toEqual(['PENDING', 'FAILED']);
    expect(taskStatuses.filter((to) => mayFollow('CANCELLED', to))).toEqual(['PENDING', 'CANCELLED']);
    expect(taskStatuses.filter((to) => mayFollow('LOST', to))).toEqual([
      'PENDING',
      'COMPLETED',
      'FAILED',
      'CANCELLED',
      'LOST',
    ]);
  });

  test('a task is ended, active, or neither', () => {
    expect(taskStatuses.filter(isEnded)).toEqual(['COMPLETED', 'FAILED', 'CANCELLED']);
    expect(taskStatuses.filter(isActive)).toEqual(['PROCESSING', 'WAITING_FOR_INPUT']);
  });
});

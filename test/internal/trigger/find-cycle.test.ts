import { describe, expect, test } from 'vitest';
import { findCycle } from '../../../internal/trigger/find-cycle.ts';
import { readWorkflow } from '../../../internal/trigger/read-workflow.ts';

/** A workflow that waits for the ends of others. */
function workflow(name: string, ...waits: readonly object[]) {
  const triggers = waits.map((spec) => ({ type: 'task-end', ...spec }));
  return readWorkflow({ name, run: 'true', triggers }, { zone: 'UTC' }).definition;
}

const endOf = (name: string) => ({ workflow: name });

describe('a circle of workflows', () => {
  test('is told in the order in which they would fire', () => {
    const a = workflow('a', endOf('c'));
    const others = [workflow('b', endOf('a')), workflow('c', endOf('b')), workflow('d', endOf('a'))];
    expect(findCycle(a, others)).toEqual(['a', 'b', 'c', 'a']);
  });

  test('may be one workflow that waits for itself', () => {
    expect(findCycle(workflow('a', endOf('a')), [])).toEqual(['a', 'a']);
  });

  test('may go through a session', () => {
    const a = workflow('a', { session: 'b' });
    expect(findCycle(a, [workflow('b', endOf('a'))])).toEqual(['a', 'b', 'a']);
  });

  test('is none when a workflow waits for others of its own session', () => {
    expect(findCycle(workflow('a', { session: 'a' }), [workflow('b')])).toBeNull();
  });

  test('is none where ways only meet, or where it is elsewhere', () => {
    const others = [
      workflow('b', endOf('a')),
      workflow('c', endOf('a')),
      workflow('d', endOf('b'), endOf('c')),
    ];
    expect(findCycle(workflow('a'), others)).toBeNull();
    const elsewhere = [workflow('x', endOf('y'), endOf('a')), workflow('y', endOf('x'))];
    expect(findCycle(workflow('a'), elsewhere)).toBeNull();
  });

  test('counts the new definition of a workflow, not the one it replaces', () => {
    const old = workflow('a', endOf('b'));
    expect(findCycle(workflow('a'), [old, workflow('b', endOf('a'))])).toBeNull();
  });
});

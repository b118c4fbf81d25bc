import { expect, test } from 'vitest';
import { commandLoaders } from '../../cmd/keruta/commands.ts';
import { others, peopleCommands, taskCommands } from '../faults/lab/commands.ts';

test('every command is among those that fault rows try with the API away, or calls none', () => {
  const known = [...Object.keys(taskCommands), ...Object.keys(peopleCommands), ...others];
  expect(Object.keys(commandLoaders).filter((name) => !known.includes(name))).toEqual([]);
});

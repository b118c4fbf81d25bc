import { describe, expect, test } from 'vitest';
import { triggerTypes } from '../../internal/trigger/types.ts';
import { workflowSections } from '../../scripts/workflow-reference.ts';
import { useServer } from '../cmd/server-in-home.ts';
import { follow, readGuide, writeFiles } from './guide.ts';

const guide = readGuide('docs/workflows.md');
const place = useServer({ variables: { DEPLOY_SECRET: 'a-secret-of-more-than-thirty-two-bytes' } });

describe('the guide to workflows', () => {
  test('has files that are named and commands, each of which succeeds in turn', async () => {
    expect(writeFiles(guide, ['yaml'], place.home).length).toBeGreaterThan(2);
    expect(writeFiles(guide, ['ts', 'toml'], place.home).length).toBeGreaterThan(0);
    expect(guide.commands.length).toBeGreaterThan(15);
    await follow(guide.commands, place.keruta);
  }, 60_000);
});

describe('the reference of workflow files', () => {
  test('says of every field of a workflow, a task and a trigger what it means', () => {
    const [whole, task, policy, trigger] = workflowSections();
    const silent = [whole, task, policy, trigger].flatMap((section) =>
      (section?.rows ?? [])
        .filter(([name, , meaning]) => meaning === '' && !name.includes('.'))
        .map(([name]) => name),
    );
    expect(silent).toEqual([]);
  });

  test('has a section for every type of trigger', () => {
    const titles = workflowSections().map(({ title }) => title);
    expect(titles).toEqual(
      expect.arrayContaining([...triggerTypes.keys()].map((type) => `Trigger of type ${type}`)),
    );
  });
});

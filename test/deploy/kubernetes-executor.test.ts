import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Document, makeCheck } from '../fixtures/schemas/make-check.ts';
import { textOf } from './deployment-files.ts';

describe.each([
  ['of an agent whose tasks are jobs', 'executor.yaml', ['jobs', 'pods', 'pods/log']],
  ['of who has agent tasks done in pods', 'runner.yaml', ['jobs', 'pods', 'pods/log', 'secrets']],
])('the account %s', (_name, file, resources) => {
  const objects = parseAllDocuments(textOf(`deploy/kubernetes/${file}`)).map(
    (document): Document => document.toJS(),
  );

  test('is what Kubernetes describes', () => {
    expect(
      objects.map((object) => [object.kind, makeCheck('kubernetes-1.36.json', `V1${object.kind}`)(object)]),
    ).toEqual([
      ['ServiceAccount', []],
      ['Role', []],
      ['RoleBinding', []],
    ]);
  });

  test('has a role that is bound to it, holds for one namespace, and names every right by itself', () => {
    const [account, role, binding] = objects;
    expect(binding.subjects).toEqual([{ kind: 'ServiceAccount', name: account.metadata.name }]);
    expect(binding.roleRef).toEqual({
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'Role',
      name: role.metadata.name,
    });
    expect(JSON.stringify(role.rules)).not.toContain('*');
    expect(role.rules.flatMap((rule: Document) => rule.resources)).toEqual(resources);
  });

  test('reads no Secret, and runs nothing in pods that are there', () => {
    const rights = objects[1].rules.flatMap(({ resources: kinds, verbs }: Document) =>
      kinds.flatMap((kind: string) => verbs.map((verb: string) => `${verb} ${kind}`)),
    );
    expect(rights.filter((right: string) => /^(get|list|watch) secrets|exec|attach/.test(right))).toEqual([]);
  });
});

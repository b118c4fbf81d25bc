import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Document, makeCheck } from '../fixtures/schemas/make-check.ts';
import { textOf } from './deployment-files.ts';

const objects = parseAllDocuments(textOf('deploy/kubernetes/executor.yaml')).map(
  (document): Document => document.toJS(),
);

test('the account of an agent whose tasks are jobs is what Kubernetes describes', () => {
  expect(
    objects.map((object) => [object.kind, makeCheck('kubernetes-1.36.json', `V1${object.kind}`)(object)]),
  ).toEqual([
    ['ServiceAccount', []],
    ['Role', []],
    ['RoleBinding', []],
  ]);
});

test('its role is bound to it, holds for one namespace, and names every right by itself', () => {
  const [account, role, binding] = objects;
  expect(binding.subjects).toEqual([{ kind: 'ServiceAccount', name: account.metadata.name }]);
  expect(binding.roleRef).toEqual({
    apiGroup: 'rbac.authorization.k8s.io',
    kind: 'Role',
    name: role.metadata.name,
  });
  expect(JSON.stringify(role.rules)).not.toContain('*');
  expect(role.rules.flatMap(({ resources }: Document) => resources)).toEqual(['jobs', 'pods', 'pods/log']);
});

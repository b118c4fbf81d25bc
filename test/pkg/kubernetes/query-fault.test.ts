import { expect, test } from 'vitest';
import { queryFault } from './double/query-fault.ts';

const fault = (sort: string, query: string) => queryFault(sort, new URLSearchParams(query));

test.each([
  ['list', 'labelSelector=job-name%3Done,keruta.io/agent%3Da&limit=500&continue=AbC%3D'],
  ['watch', 'watch=1&resourceVersion=17&allowWatchBookmarks=true&timeoutSeconds=300'],
  ['log', 'container=task&follow=true&timestamps=true&sinceTime=2026-11-22T06:40:00.123456789Z'],
  ['delete', ''],
])('the double of a cluster takes %s with %s', (sort, query) => {
  expect(fault(sort, query)).toBeNull();
});

test.each([
  ['list', 'labelselector=a%3Db', /no parameter labelselector/],
  ['list', 'labelSelector=a%3D%3D%3Db', /labelSelector: expected/],
  ['list', 'limit=many', /limit: expected/],
  ['list', 'limit=1&limit=2', /given twice/],
  ['log', 'since=1s', /no parameter since/],
  ['log', 'sinceTime=2026-11-22', /sinceTime: expected/],
  ['create', 'force=true', /create has no parameter force/],
])('the double of a cluster complains of %s with %s', (sort, query, told) => {
  expect(fault(sort, query)).toMatch(told);
});

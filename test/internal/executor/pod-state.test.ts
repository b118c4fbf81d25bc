import { expect, test } from 'vitest';
import { causeOfGone, sightOf, startFaultOf } from '../../../internal/executor/kubernetes/pod-state.ts';
import { podShape } from '../../../pkg/kubernetes/shapes.ts';

const podOf = (status: object, metadata: object = {}) =>
  podShape.parse({ metadata: { name: 'x', ...metadata }, status });
const container = (state: object) => ({ containerStatuses: [{ name: 'script', state }] });
const disruption = (reason: string) => ({
  conditions: [{ type: 'DisruptionTarget', status: 'True', reason }],
});

test.each([
  [{ phase: 'Pending' }, 'coming'],
  [{ phase: 'Running' }, 'alive'],
  [{ phase: 'Unknown' }, 'alive'],
  [{ phase: 'Succeeded' }, 'ended'],
  [{ phase: 'Failed', reason: 'Evicted' }, 'evicted'],
  [{ phase: 'Failed', ...disruption('TerminationByKubelet') }, 'evicted'],
  [{ phase: 'Failed', ...disruption('DeletionByPodGC') }, 'deleted'],
  [{ phase: 'Failed', reason: 'NodeLost' }, 'deleted'],
  [{ phase: 'Failed', ...container({ terminated: { exitCode: 137, reason: 'OOMKilled' } }) }, 'oom'],
  [{ phase: 'Failed', ...container({ terminated: { exitCode: 137, reason: 'Error' } }) }, 'ended'],
])('a pod that is %j counts as %s', (status, sight) => {
  expect(sightOf(podOf(status))).toBe(sight);
});

test('a pod that is not there any more went for what was said of it last', () => {
  expect(causeOfGone(null)).toBe('deleted');
  expect(causeOfGone(podOf({ phase: 'Running' }))).toBe('deleted');
  expect(causeOfGone(podOf({ phase: 'Running', ...disruption('PreemptionByScheduler') }))).toBe('evicted');
  expect(causeOfGone(podOf({ phase: 'Running', ...disruption('DeletionByTaintManager') }))).toBe('deleted');
  const deleted = podOf({ phase: 'Failed' }, { deletionTimestamp: '2026-11-21T00:00:00Z' });
  expect(sightOf(deleted)).toBe('deleted');
});

test.each([
  [{ phase: 'Pending' }, null],
  [{ phase: 'Running', ...container({ running: {} }) }, null],
  [{ phase: 'Pending', ...container({ waiting: { reason: 'ContainerCreating' } }) }, null],
  [
    { phase: 'Pending', ...container({ waiting: { reason: 'ErrImagePull' } }) },
    { kind: 'image-pull', mayPass: true },
  ],
  [
    { phase: 'Pending', ...container({ waiting: { reason: 'ErrImageNeverPull' } }) },
    { kind: 'image-pull', mayPass: false },
  ],
  [
    { phase: 'Failed', ...container({ terminated: { exitCode: 121, reason: 'Error' } }) },
    { kind: 'interpreter' },
  ],
  [
    { phase: 'Failed', reason: 'Evicted', message: 'low on memory' },
    { kind: 'lost', message: 'low on memory' },
  ],
  [
    { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no room' }] },
    { kind: 'unschedulable', message: 'no room', mayPass: true },
  ],
])('of a pod that is %j the start is at fault by %j', (status, fault) => {
  const found = startFaultOf(podOf(status));
  if (fault === null) expect(found).toBeNull();
  else expect(found).toMatchObject(fault);
});

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  canLimit,
  makeControlGroup,
  removeAbandonedGroups,
  removeControlGroup,
} from '../../../pkg/process/control-group.ts';

const limits = { memoryBytes: 64 * 1024 ** 2, cpus: 1.5, processes: 20 };
const nothing = { memoryBytes: null, cpus: null, processes: null };

describe('a control group', () => {
  let top: string;
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'groups-'));
  });
  afterEach(() => rmSync(top, { recursive: true, force: true }));

  function group(path: string, handedOn = ''): string {
    const directory = join(top, path);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'cgroup.procs'), '');
    writeFileSync(join(directory, 'cgroup.subtree_control'), handedOn);
    return directory;
  }
  const read = (directory: string | undefined, name: string) =>
    readFileSync(join(directory ?? '', name), 'utf8');
  const second = { own: '0::/slice/own\n', mounts: '' };
  const mountOf = (point: string, type: string, options: string) =>
    `40 31 0:38 / ${point} rw,relatime - ${type} none ${options}`;

  test('of version 2 is made beside the own one, where that one hands on nothing', () => {
    group('slice', 'cpu memory pids\n');
    group('slice/own');
    const made = makeControlGroup('test', limits, { ...second, mounts: mountOf(top, 'cgroup2', 'rw') });
    expect(made).toEqual([expect.stringMatching(`^${top}/slice/test-${process.pid}-\\d+-1$`)]);
    const [directory] = made ?? [];
    expect(read(directory, 'memory.max')).toBe('67108864');
    expect(read(directory, 'cpu.max')).toBe('150000 100000');
    expect(read(directory, 'pids.max')).toBe('20');
  });

  test('of version 2 is made below the own one, where that one hands on what is wanted', () => {
    group('slice', 'cpu memory pids\n');
    group('slice/own', 'memory\n');
    const sight = { ...second, mounts: mountOf(top, 'cgroup2', 'rw') };
    const made = makeControlGroup('test', { ...nothing, memoryBytes: 1 }, sight);
    expect(made).toEqual([expect.stringContaining('/slice/own/test-')]);
  });

  test('of version 1 is one for each kind of limit', () => {
    group('memory/here');
    group('cpu,cpuacct');
    group('pids');
    const mounts = [
      mountOf(join(top, 'memory'), 'cgroup', 'rw,memory'),
      mountOf(join(top, 'cpu,cpuacct'), 'cgroup', 'rw,cpu,cpuacct'),
      mountOf(join(top, 'pids'), 'cgroup', 'rw,pids'),
    ].join('\n');
    const made = makeControlGroup('test', limits, {
      own: '4:memory:/here\n2:cpu,cpuacct:/\n1:pids:/\n',
      mounts,
    });
    const [memory, cpu, pids] = made ?? [];
    expect(memory).toContain('/memory/here/test-');
    expect(read(memory, 'memory.limit_in_bytes')).toBe('67108864');
    expect(read(cpu, 'cpu.cfs_quota_us')).toBe('150000');
    expect(read(pids, 'pids.max')).toBe('20');
  });

  test('is not made in part: nobody relies on a limit that is not kept', () => {
    group('slice', 'memory\n');
    group('slice/own');
    const sight = { ...second, mounts: mountOf(top, 'cgroup2', 'rw') };
    expect(makeControlGroup('test', limits, sight)).toBeNull();
    expect(readdirSync(join(top, 'slice')).filter((name) => name.startsWith('test-'))).toEqual([]);
  });

  test('cannot be made where there are none', () => {
    expect(makeControlGroup('test', limits, { own: '', mounts: '' })).toBeNull();
  });
});

describe.skipIf(!canLimit('test', limits))('a control group of this machine', () => {
  test('is gone once it was removed, and what a dead process left is removed by the next', () => {
    const made = makeControlGroup('test-own', limits) ?? [];
    expect(made.length).toBeGreaterThan(0);
    // a process of that number and that time there never was
    const dead = made.map((directory) => directory.replace(/-\d+-\d+-\d+$/, '-4194303-1-1'));
    for (const directory of dead) mkdirSync(directory);
    removeAbandonedGroups('test-own', made);
    const left = () =>
      made.flatMap((directory) =>
        readdirSync(join(directory, '..')).filter((name) => name.startsWith('test-own-')),
      );
    expect(left()).toHaveLength(made.length);
    removeControlGroup(made);
    expect(left()).toEqual([]);
  });
});

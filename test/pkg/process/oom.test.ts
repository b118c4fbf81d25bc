import { expect, test } from 'vitest';
import { counterFiles, countIn, countOomKills } from '../../../pkg/process/oom.ts';

test.each([
  ['oom 0\noom_kill 12\noom_group_kill 0\n', 12],
  ['oom_kill_disable 0\nunder_oom 0\noom_kill 3\n', 3],
  ['pgfault 5\noom_kill 0\n', 0],
  ['oom 4\n', null],
  ['', null],
  [null, null],
])('the count in %j is %j', (text, count) => {
  expect(countIn(text)).toBe(count);
});

test.each([
  [
    '0::/system.slice/a.service\n',
    ['/sys/fs/cgroup/system.slice/a.service/memory.events', '/sys/fs/cgroup/memory.events'],
  ],
  [
    '5:cpu,memory:/docker/abc\n1:name=systemd:/x\n0::/\n',
    [
      '/sys/fs/cgroup/memory/docker/abc/memory.oom_control',
      '/sys/fs/cgroup/memory/memory.oom_control',
      '/sys/fs/cgroup/memory.events',
      '/sys/fs/cgroup/memory.events',
    ],
  ],
  ['', []],
  ['nonsense\n', []],
])('the counters for %j are looked for at %j', (groups, files) => {
  expect(counterFiles(groups)).toEqual(files);
});

test('the counts of this machine only grow, and a file that is not there counts nothing', () => {
  const first = countOomKills();
  const second = countOomKills(first.file);
  expect(second.file).toBe(first.file);
  expect(second.machine ?? 0).toBeGreaterThanOrEqual(first.machine ?? 0);
  expect(countOomKills('/nowhere/memory.events').group).toBeNull();
});

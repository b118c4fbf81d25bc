import { spawnSync } from 'node:child_process';
import { getuid } from 'node:process';

/** Whether this machine lets us have name spaces of our own, which the pods of the double run in. */
export const canRunPods: boolean =
  spawnSync('unshare', [
    ...(getuid?.() === 0 ? [] : ['--map-root-user']),
    ...['--pid', '--fork', '--mount', 'sh', '-c', 'mount -t proc proc /proc && mount -t tmpfs tmpfs /mnt'],
  ]).status === 0;

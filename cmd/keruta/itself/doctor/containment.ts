import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { readProc } from '../../../../pkg/process/proc.ts';
import { ProcessStartError, runProcess } from '../../../../pkg/process/run.ts';
import { type Check, type CheckParts, ok, warn } from './check.ts';

/** What could hold the processes of a run together here. */
export const containmentCheck: Check = { name: 'containment', look };

const always = 'a run is ended by process group and sweep';

async function look({ context, signal }: CheckParts) {
  const [namespace, group] = await Promise.all([
    findNamespace(context.env.PATH, signal),
    findWritableCgroup(),
  ]);
  const held = `PID namespace: ${namespace ?? 'not allowed here'}; cgroup v2: ${group ?? 'cannot be written'}`;
  if (namespace !== null || group !== null) return ok(`${always}; ${held}`);
  return warn(
    `${always}; ${held}`,
    'a process that sheds environment, session, parents and pipes alike is not found then: give scripts that you do not trust a container of their own',
  );
}

/** @returns how a PID namespace can be made; null when it cannot */
async function findNamespace(path: string | undefined, signal: AbortSignal): Promise<string | null> {
  const ways = [
    { how: 'can be made', args: [] },
    { how: 'can be made by a user namespace', args: ['--user', '--map-root-user'] },
  ];
  const found = await Promise.all(
    ways.map(async ({ how, args }) => {
      try {
        const { exitCode } = await runProcess({
          command: 'unshare',
          args: [...args, '--pid', '--fork', '--', 'true'],
          cwd: '/',
          env: { PATH: path ?? '/usr/bin:/bin' },
          timeoutMs: 3_000,
          maxOutputBytes: 1000,
          signal,
        });
        return exitCode === 0 ? how : null;
      } catch (error) {
        if (error instanceof ProcessStartError) return null;
        throw error;
      }
    }),
  );
  return found.find((how) => how !== null) ?? null;
}

/** @returns the own group, when groups can be made below it; null when not, or with cgroup v1 alone */
async function findWritableCgroup(): Promise<string | null> {
  const [, own] = /^0::(\/.*)$/m.exec(readProc('self/cgroup') ?? '') ?? [];
  const mount = (readProc('self/mountinfo') ?? '')
    .split('\n')
    .map((line) => / (\/\S*) (\/\S*) .* - cgroup2 /.exec(line))
    .find((match) => match !== null);
  if (own === undefined || !mount) return null;
  const [, root = '/', point = ''] = mount;
  const below = root !== '/' && own.startsWith(root) ? own.slice(root.length) : own;
  const directory = join(point, below).replace(/(.)\/$/, '$1');
  try {
    await access(directory, constants.W_OK);
    await access(join(directory, 'cgroup.procs'), constants.W_OK);
    return `${directory} can be written`;
  } catch {
    return null;
  }
}

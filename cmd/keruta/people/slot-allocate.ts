import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { printJson } from './print.ts';
import { keptLines } from './slot-list.ts';

/** `keruta slot allocate` */
export const slotAllocate = command({
  name: 'slot allocate',
  summary: 'Hands out a work tree of a repository from the pool of this machine, and prints its path.',
  description:
    'Asked again for the same name, it is the same slot, as it was left. It is yours until it is released or its lease has ' +
    'run out; what is in it then is kept before anybody else gets it. The token in GIT_TOKEN, or in the file that ' +
    'GIT_TOKEN_FILE names, opens https addresses.',
  positionals: { url: { doc: 'address of the repository' } },
  options: {
    ref: { kind: 'string', doc: 'branch, tag or commit (default: the repository’s own default branch)' },
    branch: { kind: 'string', doc: 'local branch that is made there (default: none, HEAD is detached)' },
    for: { kind: 'string', placeholder: 'NAME', doc: 'who needs it (default: the name of the user)' },
    lease: { kind: 'duration', default: 3_600_000, doc: 'how long it is yours' },
    'allow-local-git': fromSetting('allowLocalGit'),
    'git-timeout': fromSetting('gitTimeout'),
  },
  examples: [
    'cd "$(keruta slot allocate https://github.com/acme/site.git)"',
    'keruta slot allocate git@host:team/app.git --ref v1.2 --for release --lease 8h --json',
  ],
  run: async (context, values) => {
    const { personsPool } = await import('../roles/pool-of.ts');
    const { ownDirectory } = await import('../../../internal/worker/own-directory.ts');
    const settings = await context.settings();
    ownDirectory(settings.values.baseDir, context.uid);
    const pool = await personsPool(context, settings);
    const slot = await pool.allocate({
      url: values.url,
      requiredBy: values.for ?? (context.env.USER || 'somebody'),
      leaseMs: values.lease,
      isOurs: false,
      signal: context.signal,
      ...(values.ref === undefined ? {} : { ref: values.ref }),
      ...(values.branch === undefined ? {} : { branch: values.branch }),
    });
    if (context.json) {
      await printJson(context, { ...slot, leaseUntil: new Date(slot.leaseUntil).toISOString() });
      return 0;
    }
    const until = new Date(slot.leaseUntil).toISOString();
    const how = slot.isResumed ? 'is yours already, as you left it' : 'is yours';
    await context.stderr.write(
      `${slot.id} ${how} until ${until}; return it: keruta slot release ${slot.id}\n`,
    );
    await context.stderr.write(keptLines(slot.kept));
    await context.stdout.write(`${slot.path}\n`);
    return 0;
  },
});

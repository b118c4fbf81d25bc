import type { PolicyWire } from '../../../internal/api/governance-shapes.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import { type CommandContext, command } from '../command.ts';
import { printJson } from './print.ts';

const session = { kind: 'string', doc: 'of this session; without it, the one over everything' } as const;

/** `keruta policy show` */
export const policyShow = command({
  name: 'policy show',
  summary: 'Shows the policy of a session, or the one over everything.',
  description: 'That of a workflow is part of its definition: `keruta workflow export`.',
  positionals: {},
  options: { session },
  examples: ['keruta policy show', 'keruta policy show --session website --json'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const id = await sessionOf(context, values.session);
    await show(context, await client.governance.policy(id, { signal: context.signal }));
    return 0;
  },
});

/** `keruta policy set` */
export const policySet = command({
  name: 'policy set',
  summary: 'Sets the policy of a session, or the one over everything, from a file.',
  description:
    'The file is YAML, TOML or JSON with the fields of `policy` in a workflow. It takes the place of the whole policy.',
  positionals: {},
  options: {
    session,
    file: { kind: 'string', aliases: ['f'], doc: 'what to set', placeholder: 'FILE' },
    clear: { kind: 'bool', doc: 'remove it', default: false },
  },
  examples: ['keruta policy set --file limits.yaml', 'keruta policy set --session website --clear'],
  run: async (context, values) => {
    if ((values.file === undefined) === !values.clear)
      throw new InputError('KERUTA_ERR_USAGE', 'policy set: expected either --file or --clear');
    const policy = values.file === undefined ? {} : await readFile(context, values.file);
    const client = await context.makeClient();
    const id = await sessionOf(context, values.session);
    await show(context, await client.governance.setPolicy(id, policy, { signal: context.signal }));
    return 0;
  },
});

async function readFile(context: CommandContext, file: string): Promise<object> {
  const { readWorkflowFiles } = await import('./workflow-files.ts');
  const { readPolicy } = await import('../../../internal/trigger/read-policy.ts');
  const [first, another] = readWorkflowFiles(file, context.cwd, context.env);
  if (first === undefined || another !== undefined)
    throw new InputError(
      'KERUTA_ERR_POLICY_SHAPE',
      `${file}: expected one policy, got ${another ? 'more' : 'none'}`,
    );
  const { value } = first;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InputError('KERUTA_ERR_POLICY_SHAPE', `${file}: expected the fields of a policy`);
  // faults are told before a server is asked
  readPolicy(value);
  return value;
}

async function sessionOf(context: CommandContext, named: string | undefined): Promise<string | null> {
  if (named === undefined) return null;
  const { findSession } = await import('./find.ts');
  return (await findSession(context, await context.makeClient(), named)).id;
}

async function show(context: CommandContext, wire: PolicyWire): Promise<void> {
  if (context.json) return printJson(context, wire);
  if (wire.policy === null) return context.stderr.write('no policy\n');
  const { stringify } = await import('yaml');
  await context.stdout.write(stringify(wire.policy));
}

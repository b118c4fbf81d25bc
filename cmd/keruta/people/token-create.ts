import { command } from '../command.ts';
import { findSession } from './find.ts';
import { printJson } from './print.ts';

/** `keruta token create` */
export const tokenCreate = command({
  name: 'token create',
  summary: 'Makes a token and prints it; it is shown this once only.',
  positionals: {},
  options: {
    scope: {
      kind: 'enum',
      choices: ['admin', 'session', 'read-only'],
      default: 'session',
      doc: 'what it may do: everything, one session, or look',
    },
    session: {
      kind: 'string',
      aliases: ['session-id'],
      placeholder: 'SESSION',
      doc: 'session of scope session; optional for read-only',
    },
    name: { kind: 'string', doc: 'what it is for' },
    role: { kind: 'string', doc: 'what it may approve, as `requireApproval` of a policy names it' },
    expires: { kind: 'duration', doc: 'how long it holds (default: until it is revoked)' },
  },
  examples: [
    'keruta token create --scope session --session website --name ci',
    'keruta token create --scope read-only --expires 30d',
  ],
  run: async (context, values) => {
    const client = await context.makeClient();
    const isBound =
      values.scope === 'session' || (values.scope === 'read-only' && values.session !== undefined);
    const sessionId = isBound ? (await findSession(context, client, values.session)).id : null;
    const made = await client.tokens.create(
      {
        scope: values.scope as 'admin' | 'session' | 'read-only',
        sessionId,
        name: values.name ?? null,
        ...(values.role === undefined ? {} : { role: values.role }),
        expiresInSeconds: values.expires === undefined ? null : Math.ceil(values.expires / 1000),
      },
      { signal: context.signal },
    );
    if (context.json) await printJson(context, made);
    else await context.stdout.write(`${made.token}\n`);
    return 0;
  },
});

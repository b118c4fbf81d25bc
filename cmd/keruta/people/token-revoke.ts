import { command } from '../command.ts';
import { printJson } from './print.ts';

/** `keruta token revoke` */
export const tokenRevoke = command({
  name: 'token revoke',
  summary: 'Revokes a token: it is refused from now on.',
  positionals: { id: { doc: 'id of the token, as token list shows it' } },
  options: {},
  examples: ['keruta token revoke 0197a1c2-4a5b-7c6d-8e9f-0a1b2c3d4e5f'],
  run: async (context, { id }) => {
    const client = await context.makeClient();
    await client.tokens.revoke(id, { signal: context.signal });
    if (context.json) await printJson(context, { id, revoked: true });
    else await context.stdout.write(`token ${id} is revoked\n`);
    return 0;
  },
});

import { command } from '../command.ts';
import { ago, printJson, printTable, shortId } from './print.ts';

/** `keruta token list` */
export const tokenList = command({
  name: 'token list',
  summary: 'Lists the tokens that exist; their texts are not kept anywhere.',
  positionals: {},
  options: {},
  examples: ['keruta token list'],
  run: async (context) => {
    const client = await context.makeClient();
    const tokens = await client.tokens.list({ signal: context.signal });
    if (context.json) {
      await printJson(context, tokens);
      return 0;
    }
    await printTable(
      context,
      [
        { title: 'ID' },
        { title: 'NAME', shrinks: true },
        { title: 'SCOPE' },
        { title: 'SESSION' },
        { title: 'AGE', align: 'right' },
        { title: 'STATE' },
      ],
      tokens.map((token) => [
        token.id,
        token.name,
        token.scope,
        token.sessionId === null ? 'all' : shortId(token.sessionId),
        ago(context, token.createdAt),
        token.revokedAt === null
          ? token.expiresAt === null
            ? 'valid'
            : `until ${token.expiresAt}`
          : 'revoked',
      ]),
      'no tokens',
    );
    return 0;
  },
});

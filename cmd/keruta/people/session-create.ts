import { maxGitTimeoutMs } from '../../../internal/domain/session.ts';
import { command } from '../command.ts';
import { printFields, printJson, sessionFields } from './print.ts';

/** `keruta session create` */
export const sessionCreate = command({
  name: 'session create',
  summary: 'Makes a session: a repository and the tasks that run in it.',
  positionals: { name: { doc: 'its name; no other session has it' } },
  options: {
    repository: {
      kind: 'string',
      aliases: ['repository-url', 'repo'],
      placeholder: 'URL',
      doc: 'git repository that tasks work in',
    },
    ref: {
      kind: 'string',
      aliases: ['repository-ref'],
      placeholder: 'REF',
      doc: 'branch, tag or commit (default main)',
    },
    'git-timeout': {
      kind: 'duration',
      range: [1000, maxGitTimeoutMs],
      doc: 'how long one checkout of its tasks may take (default: as the agent’s settings say)',
    },
    tag: { kind: 'list', doc: 'a tag; may be given more than once' },
    description: { kind: 'string', doc: 'what it is for' },
    workspace: { kind: 'string', placeholder: 'ID', doc: 'workspace that it is bound to' },
  },
  examples: ['keruta session create website --repository https://git.example/website.git --ref main'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const session = await client.sessions.create(
      {
        name: values.name,
        repositoryUrl: values.repository ?? null,
        repositoryRef: values.ref ?? null,
        gitTimeoutSeconds:
          values['git-timeout'] === undefined ? null : Math.ceil(values['git-timeout'] / 1000),
        tags: [...(values.tag ?? [])],
        description: values.description ?? null,
        workspaceId: values.workspace ?? null,
      },
      { signal: context.signal },
    );
    if (context.json) await printJson(context, session);
    else await printFields(context, sessionFields(session));
    return 0;
  },
});

import type { Git } from './git.ts';

/** A git whose every call has these variables too: another repository for a work tree, another place for objects. */
export function viewOf(git: Git, env: Readonly<Record<string, string>>): Git {
  return {
    parts: git.parts,
    local: (call) => git.local({ ...call, env: { ...call.env, ...env } }),
    remote: (call) => git.remote({ ...call, env: { ...call.env, ...env } }),
  };
}

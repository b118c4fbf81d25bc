/** Where the user is at home. */
import { homedir } from 'node:os';

/** HOME, else what the machine knows of the user; `''` when it knows nothing: a container may run as any number. */
export function homeOfUser(env: Readonly<Record<string, string | undefined>>): string {
  try {
    return env.HOME ?? homedir();
  } catch {
    return '';
  }
}

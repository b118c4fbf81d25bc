import { refFault } from '../../pkg/git/ref-name.ts';

/** What is wrong with the short name of a branch; null when it may be used. */
export function branchFault(name: string): string | null {
  if (name === 'HEAD') return 'HEAD is no branch';
  if (name.startsWith('refs/')) return 'it begins with refs/; give the short name';
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(name)) return 'it reads like a commit id';
  return refFault(name);
}

import { createGit } from '../../../../pkg/git/git.ts';
import { GitError } from '../../../../pkg/git/git-error.ts';
import { findVendorFixes } from '../../../../pkg/git/vendor-fixes.ts';
import { gitVersion } from '../../../../pkg/git/version.ts';
import { type Check, type CheckParts, ok, warn } from './check.ts';

/** How long git may take to say its version, and then the package manager; ms. */
const programMs = 2_000;

/** Whether git is there, with the fixes of known holes. */
export const gitCheck: Check = { name: 'git', look };

async function look({ context, signal }: CheckParts) {
  const limits = { timeoutMs: programMs, signal };
  const git = createGit({
    environment: context.env,
    credentials: 'none',
    allowLocal: false,
    privateDirectory: '/nonexistent',
  });
  try {
    const { text, warning } = await gitVersion(git, limits);
    if (warning === null) return ok(`version ${text}`);
    const vendor = await findVendorFixes({ environment: context.env, limits, version: text });
    if (vendor?.hasFixes) return ok(`version ${text}; the package ${vendor.package} has the fixes`);
    return warn(
      vendor === null ? warning : `${warning} (its package is ${vendor.package})`,
      'update git by the package manager, or install 2.50.1 or newer; clone only repositories that you trust until then',
    );
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return warn(error.message, 'install git; without it only sessions without repository can be worked on');
  }
}

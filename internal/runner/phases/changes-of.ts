import { type FlowCall, inTree } from '../../pool/flow/flow-call.ts';
import { headOf } from '../../pool/flow/rebase.ts';

/**
 * What stands in a work tree and is not committed, new files included, as a difference. Of files that are no text it says that they
 * differ: nobody has looked for secrets in them, and encoded as git does it they would not be found. Leaves the tree as it is.
 * @throws {GitError}
 */
export async function changesOf(call: FlowCall & { readonly maxBytes: number }): Promise<string> {
  const { git } = call.tree;
  const where = inTree(call);
  const head = await headOf(call);
  await git.local({ ...where, args: ['add', '--all', '--', '.'] });
  try {
    const args = ['diff', '--cached', '--no-color', '--no-ext-diff', '--no-textconv', head, '--'];
    return (await git.local({ ...where, args, maxOutputBytes: call.maxBytes })).stdout;
  } finally {
    await git.local({ ...where, args: ['read-tree', '--reset', 'HEAD'] });
  }
}

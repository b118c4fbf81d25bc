import type { Document } from '../../../fixtures/schemas/make-check.ts';

/** Whether the rules of a Role allow something. @param wanted.resource  with its subresource behind a slash */
export function roleAllows(
  rules: readonly Document[],
  wanted: { readonly verb: string; readonly group: string; readonly resource: string },
): boolean {
  return rules.some(
    ({ apiGroups, resources, verbs }) =>
      apiGroups.includes(wanted.group) && resources.includes(wanted.resource) && verbs.includes(wanted.verb),
  );
}

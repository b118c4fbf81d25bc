/**
 * What an occurrence has on record, for people, as `name value, name value`. Of the checks only those are told that did not
 * pass; all of them are in the JSON.
 */
export function detailsText(details: Readonly<Record<string, unknown>>): string {
  const { checks, ...rest } = details;
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const told = Object.entries(rest).map(([name, value]) => `${name} ${text(value)}`);
  const failed = (Array.isArray(checks) ? checks : []).filter((check) => check?.passed === false);
  const lines = failed.map(({ name, value, limit, scope }) => {
    const where =
      scope === undefined || scope === 'workflow'
        ? ''
        : `, set ${scope === 'global' ? 'over everything' : 'at the session'}`;
    return `${name} ${value ?? '-'} (limit ${limit ?? '-'}${where})`;
  });
  return [...told, ...lines].join(', ');
}

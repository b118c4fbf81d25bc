/**
 * What a step writes to `$KERUTA_OUTPUT`: lines `name=value`, and values of several lines between `name<<WORD` and a line that is
 * `WORD`. Pure.
 * @see the workflow commands of GitHub Actions, whose form this is
 */

/** Largest file of outputs; bytes. */
export const maxOutputBytes = 1024 * 1024;

/** Values by name, or what cannot be read. */
export type OutputReading =
  | { readonly outputs: Readonly<Record<string, string>>; readonly fault?: undefined }
  | { readonly outputs?: undefined; readonly fault: string };

/** Reads the file. The last value of a name counts; blank lines are passed over. Never throws. */
export function readOutputs(text: string): OutputReading {
  const outputs = new Map<string, string>();
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line.trim() === '') continue;
    const [, name = '', sign, rest = ''] = /^([^=<]*)(=|<<)(.*)$/s.exec(line) ?? [];
    if (!/^[A-Za-z_][A-Za-z0-9_-]{0,99}$/.test(name))
      return {
        fault: `line ${at + 1}: expected NAME=VALUE or NAME<<WORD, got ${JSON.stringify(line.slice(0, 60))}`,
      };
    if (sign === '=') {
      outputs.set(name, rest);
      continue;
    }
    const end = lines.indexOf(rest, at + 1);
    if (rest === '' || end === -1)
      return {
        fault: `line ${at + 1}: expected a line ${JSON.stringify(rest || 'WORD')} behind the value of ${name}`,
      };
    outputs.set(name, lines.slice(at + 1, end).join('\n'));
    at = end;
  }
  return { outputs: Object.fromEntries(outputs) };
}

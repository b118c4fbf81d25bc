/** Writes one setting into the text of a configuration file; comments and everything else stay as they are. */
import { parseDocument } from 'yaml';
import { nearest } from '../../pkg/text/nearest.ts';
import { InputError } from '../domain/errors.ts';
import { readConfigFile } from './config-file.ts';
import { findSetting, type SettingKey, settingKeys, settingsTable } from './table.ts';
import { readValue } from './value.ts';

/**
 * Finds the setting that a person names in `config set`.
 * @param name  file key, variable, flag or the name inside the program
 * @throws {InputError} KERUTA_ERR_CONFIG when there is none, or it has no place in the file
 */
export function settingForFile(name: string): SettingKey {
  const key = findSetting(name);
  if (key === null) {
    const near = nearest(
      name,
      settingKeys.flatMap((each) => settingsTable[each].fileKeys),
    );
    throw new InputError(
      'KERUTA_ERR_CONFIG',
      `there is no setting ${name}${near ? `; did you mean ${near}?` : ''} (keruta config show lists them all)`,
    );
  }
  if (settingsTable[key].fileKeys.length === 0) {
    throw new InputError('KERUTA_ERR_CONFIG', `${name} cannot be set in the file, only by flag or variable`);
  }
  return key;
}

/**
 * Sets a value in the text of a file.
 *
 * @param text   the file as it is; `''` when there is none
 * @param value  as a flag would take it; a number without unit means what it means in the file
 * @returns the new text
 * @throws {InputError} KERUTA_ERR_CONFIG: the value is not one of this setting, or the file is not a configuration
 */
export function setInFile(text: string, key: SettingKey, value: string): string {
  const row = settingsTable[key];
  const rule = row.bareUnitInFile === undefined ? row : { ...row, bareUnit: row.bareUnitInFile };
  const reading = readValue(rule as typeof row, value);
  const fileKey = row.fileKeys[0] ?? key;
  if ('expected' in reading) {
    const came = row.secret ? 'something else' : `"${value}"`;
    throw new InputError('KERUTA_ERR_CONFIG', `${fileKey}: expected ${reading.expected}, got ${came}`);
  }
  try {
    readConfigFile({ path: 'the configuration file', text });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError('KERUTA_ERR_CONFIG', `nothing was written: ${why}`, { cause });
  }
  // a token of digits alone is longer than a number can be
  const document = parseDocument(text, { intAsBigInt: true });
  const typed = row.kind === 'int' || row.kind === 'bool' ? reading.value : value;
  try {
    document.setIn(fileKey.split('.'), typed);
    const written = document.toString();
    // an odd file (aliases, numbers that are written anew in another form) is better edited by hand
    const read = (of: string) => readConfigFile({ path: 'the configuration file', text: of });
    const others = (of: string) =>
      JSON.stringify(read(of).flatMap((one) => (one.key === fileKey ? [] : [[one.key, one.text]])));
    const own = read(written).filter((one) => one.key === fileKey);
    const isWritten = own.length === 1 && own[0]?.text === String(typed);
    if (isWritten && others(written) === others(text)) return written;
    throw new Error(`${fileKey} cannot be written without changing something else`);
  } catch (cause) {
    const [first = ''] = fileKey.split('.');
    const why = cause instanceof Error ? cause.message.slice(0, 200) : String(cause);
    throw new InputError(
      'KERUTA_ERR_CONFIG',
      `nothing was written (${why}); expected that ${first} has keys under it in the file, as for ${fileKey}, and no aliases`,
      { cause },
    );
  }
}

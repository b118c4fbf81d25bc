/** How a program that is an agent is called: a template, and what fills it. */

/** A word of a command line, or several that are left out together when a place in them has nothing to hold. */
export type TemplateWord = string | readonly string[];

/** What it prints, so that usage and last words can be read; `none`: nothing is looked for. */
export const outputKinds = ['claude', 'codex', 'gemini', 'aider', 'lines', 'none'] as const;
/** @see outputKinds */
export type OutputKind = (typeof outputKinds)[number];

/** Those in which the program tells what it costs. */
export const tellingKinds: readonly OutputKind[] = ['claude', 'aider', 'lines'];

/** How a program is called. */
export interface CommandTemplate {
  /** looked up in PATH when it has no slash */
  readonly command: string;
  /** may have places: see {@link TemplateValues} */
  readonly args: readonly TemplateWord[];
  /** where the prompt goes; a `file` is named by the place `{prompt_file}` */
  readonly prompt: 'stdin' | 'file';
  readonly output: OutputKind;
  /** names of variables that it gets when they are there, besides those that every program gets; a `*` at the end stands for anything */
  readonly environment: readonly string[];
  /** variables that it always gets */
  readonly set: Readonly<Record<string, string>>;
}

/** What stands in for the places of a template; null leaves out the word, or the words that belong together. */
export interface TemplateValues {
  readonly prompt_file: string;
  readonly slot: string;
  readonly directory: string;
  readonly model: string | null;
  readonly max_steps: string;
  /** in dollars */
  readonly max_cost: string | null;
  readonly max_seconds: string;
}

/** Every place; `{files}` alone is a word that becomes one word for each file. */
export const templatePlaces = [
  'prompt_file',
  'slot',
  'directory',
  'model',
  'max_steps',
  'max_cost',
  'max_seconds',
  'files',
] as const;

/** Names that are in braces like a place. */
export const placePattern = /\{([a-z_]+)\}/g;

/** Fills a template: each place becomes part of its word, whatever is in it; no shell sees it. */
export function fillTemplate(
  args: readonly TemplateWord[],
  values: TemplateValues,
  files: readonly string[],
): readonly string[] {
  return args.flatMap((group) => {
    if (group === '{files}') return [...files];
    const words = typeof group === 'string' ? [group] : group;
    const isMissing = words.some((word) =>
      [...word.matchAll(placePattern)].some(([, name = '']) => valueIn(values, name) === null),
    );
    if (isMissing) return [];
    return words.map((word) =>
      word.replaceAll(placePattern, (whole, name: string) => valueIn(values, name) ?? whole),
    );
  });
}

/** @returns undefined when there is no such place */
function valueIn(values: TemplateValues, name: string): string | null | undefined {
  return Object.hasOwn(values, name) ? values[name as keyof TemplateValues] : undefined;
}

/** What every program gets when it is there. */
const always = [
  // the mark by which the processes of a run are found: whoever outlives us shall not outlive the run
  'KERUTA_RUN_ID',
  ...[
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'SHELL',
    'LANG',
    'LANGUAGE',
    'LC_*',
    'TZ',
    'TERM',
    'TMPDIR',
    'XDG_*',
  ],
  ...[
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'NO_PROXY',
    'ALL_PROXY',
    'http_proxy',
    'https_proxy',
    'no_proxy',
    'all_proxy',
  ],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE'],
];

/** Picks what a program may get of an environment. */
export function allowedEnvironment(
  env: Readonly<Record<string, string>>,
  { environment, set }: Pick<CommandTemplate, 'environment' | 'set'>,
): Readonly<Record<string, string>> {
  const patterns = [...always, ...environment];
  const isAllowed = (name: string) =>
    patterns.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one));
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => isAllowed(name))), ...set };
}

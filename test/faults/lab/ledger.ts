/** A script whose every line is numbered, and what is wrong with a log that should hold them all. */

/** How a ledger is written. */
export interface LedgerPlan {
  /** lines on each stream */
  readonly lines: number;
  /** pause after each hundred lines; seconds; 0 = none */
  readonly pauseSeconds?: number;
  readonly exitCode?: number;
  /** a file to which each start of the script adds one line */
  readonly starts: string;
}

/** The script. It ends with 7 unless it is told otherwise. */
export function ledgerScript({ lines, pauseSeconds = 0, exitCode = 7, starts }: LedgerPlan): string {
  const rest = pauseSeconds > 0 ? `case $i in *00) sleep ${pauseSeconds} ;; esac` : ':';
  return `echo "start $KERUTA_ATTEMPT" >> '${starts}'
for ((i = 1; i <= ${lines}; i++)); do echo "out $i"; echo "err $i" >&2; ${rest}; done
exit ${exitCode}`;
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

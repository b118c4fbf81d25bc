/**
 * When an invoice comes into a folder: reads number and amount, then notes them down and puts the file away. Text files stand
 * here for PDF; the folder is `invoices` in the directory that this is started in.
 */
import { appendFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { agent, watch } from 'keruta';

const folder = resolve('invoices');
mkdirSync(folder, { recursive: true });

/** What is read out of an invoice. */
interface Invoice {
  readonly number: string;
  readonly amount: number;
}

export const processInvoice = watch.directory(
  folder,
  { pattern: '*.txt', ignore: 'processed', settleSeconds: 1 },
  agent({ description: 'Reads invoices' }, async (filePath: string): Promise<Invoice> => {
    const text = readFileSync(filePath, 'utf8');
    const [, number] = /invoice\s+(\S+)/i.exec(text) ?? [];
    const [, amount] = /amount\s+([\d.]+)/i.exec(text) ?? [];
    if (number === undefined || amount === undefined) throw new Error(`${basename(filePath)} is no invoice`);
    return { number, amount: Number(amount) };
  }),
);

watch.onComplete((result, filePath) => {
  appendFileSync(join(dirname(filePath), '.invoices.jsonl'), `${JSON.stringify(result)}\n`);
  const away = join(dirname(filePath), 'processed');
  mkdirSync(away, { recursive: true });
  renameSync(filePath, join(away, basename(filePath)));
});

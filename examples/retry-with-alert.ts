/** Every hour: asks something that often fails, three times at most, and tells somebody when all three failed. */
import { schedule } from 'keruta';

/** Where it is asked: `SERVICE_URL`. */
const url = process.env.SERVICE_URL ?? 'http://127.0.0.1:9/';

export const unreliableTask = schedule.cron(
  '0 * * * *',
  { retry: { maxAttempts: 3, backoffSeconds: Number(process.env.BACKOFF_SECONDS ?? 60) } },
  async ({ signal, attempt }) => {
    const answer = await fetch(url, { signal });
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`);
    return `answered at attempt ${attempt}`;
  },
);

schedule.onError((error, name) => {
  process.stdout.write(`ALERT: ${name} failed: ${error.message}\n`);
});

/** Every morning at nine: looks at the numbers of the day, tells what stands out, and sends it to a channel of Slack. */
import { agent, schedule, tool } from 'keruta';

/** Where the numbers come from; here they are made up. */
export const fetchMetrics = tool(() => ({ users: 1234, revenue: 56_789, errors: 12 }));

export const morningReport = schedule.cron(
  '0 9 * * *',
  { timezone: 'Asia/Tokyo' },
  agent({ description: 'Tells the key numbers of the day' }, async ({ at }) => {
    const { users, revenue, errors } = fetchMetrics();
    return [
      `Daily report, ${at.toISOString().slice(0, 10)}`,
      `users: ${users}`,
      `revenue: ${revenue}`,
      errors > 10 ? `errors: ${errors}, which is more than usual` : `errors: ${errors}`,
    ].join('\n');
  }),
);

/** Sends a text to where SLACK_WEBHOOK_URL says: the address of an incoming webhook of Slack. */
export const sendSlackMessage = tool(async (text: string) => {
  const url = process.env.SLACK_WEBHOOK_URL;
  if (!url) throw new Error('SLACK_WEBHOOK_URL is not set');
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ text }) });
  if (!answer.ok) throw new Error(`Slack answered ${answer.status}`);
});

export const sendReportToSlack = schedule.cron('0 9 * * *', { timezone: 'Asia/Tokyo' }, async (context) => {
  await sendSlackMessage(await morningReport(context));
  return 'sent';
});

export const weeklySummary = schedule.cron('0 0 * * 1', async () => 'a week has passed');

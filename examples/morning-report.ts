/** Every morning at nine: looks at the numbers of the day, and tells what stands out. */
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

export const weeklySummary = schedule.cron('0 0 * * 1', async () => 'a week has passed');

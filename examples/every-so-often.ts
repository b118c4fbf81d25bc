/** Every hour, every half hour, every day at nine: on a grid that does not drift with how long runs take. */
import { schedule } from 'keruta';

export const hourlyTask = schedule.every({ hours: 1 }, async ({ at }) => `the hour of ${at.toISOString()}`);

export const halfHourlyTask = schedule.every({ minutes: 30 }, async () => 'half an hour has passed');

export const dailyAt9am = schedule.every(
  { days: 1, at: '09:00', timezone: 'Asia/Tokyo' },
  async () => 'good morning',
);

/**
 * Every hour: names what runs out. Whatever listens at AGENT_URL is asked to look; without one, and when it fails, the function
 * counts by itself. The stock is `stock.csv` in the directory that this is started in: `name,pieces,least`.
 */
import { readFileSync } from 'node:fs';
import { type AgentRuntime, App } from 'keruta';

/** Asks the agent by HTTP: it is told the event and its focus, and answers with its findings. */
const agentAt = (url: string): AgentRuntime => ({
  triggerEvent: async (eventName, { focus, context: { at, signal } }) => {
    const body = JSON.stringify({ eventName, focus, at, stock: readFileSync('stock.csv', 'utf8') });
    const answer = await fetch(url, { method: 'POST', body, signal });
    if (!answer.ok) throw new Error(`the agent answered ${answer.status}`);
    return answer.text();
  },
});

const { AGENT_URL: url } = process.env;
const app = new App('shop', {
  tenantId: 'shop',
  timezone: 'Asia/Shanghai',
  ...(url === undefined ? {} : { runtime: agentAt(url) }),
});

export const hourlyStockCheck = app.cron(
  {
    expression: '0 * * * *',
    eventName: 'hourly_stock_check',
    focus: 'inventory',
    description: 'Names what runs out',
  },
  () => {
    const rows = readFileSync('stock.csv', 'utf8').trim().split('\n');
    const low = rows
      .map((row) => row.split(','))
      .filter(([, pieces, least]) => Number(pieces) < Number(least));
    if (low.length === 0) return 'nothing runs out';
    return low.map(([name, pieces, least]) => `${name}: ${pieces} there, ${least} expected`).join('\n');
  },
);

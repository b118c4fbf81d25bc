/** Every thirty minutes: looks at memory, load and disk. A function decides as long as no agent does. */
import { statfsSync } from 'node:fs';
import { freemem, loadavg, totalmem } from 'node:os';
import { App } from 'keruta';

const app = new App('monitoring', { tenantId: 'monitoring' });

export const healthCheck = app.cron(
  {
    expression: '*/30 * * * *',
    eventName: 'health_check',
    focus: 'health',
    description: 'Looks at the machine',
  },
  async () => {
    const disk = statfsSync('/');
    return {
      memoryFree: Math.round((freemem() / totalmem()) * 100) / 100,
      diskFree: Math.round((disk.bavail / disk.blocks) * 100) / 100,
      load: loadavg()[0],
    };
  },
);

/** The reference page of what can be observed: metrics, and events of the log. */
import {
  agentMetricTable,
  type MetricDefinition,
  serverMetricTable,
} from '../internal/domain/metric-table.ts';
import { logEvents } from '../internal/session/watch/execution-log.ts';

/** Writes a table of Markdown. */
type Table = (titles: readonly string[], rows: readonly (readonly string[])[]) => string;

/** The page without its head. */
export function metricsPage(table: Table): string {
  const metrics = (rows: Readonly<Record<string, MetricDefinition>>) =>
    table(
      ['Metric', 'Type', 'Labels', 'Meaning'],
      Object.values(rows).map(({ name, type, labels = [], help }) => [
        `\`${name}\``,
        type,
        labels.map((label) => `\`${label}\``).join(', ') || '–',
        help,
      ]),
    );
  const events = Object.entries(logEvents).map(([name, meaning]) => [`\`${name}\``, meaning]);
  return `# Metrics and events

What to do with them is told in [observability](../observability.md). A value that nobody knows at the moment is left out;
it is not 0.

## Of the server

\`GET /metrics\`, with an admin token or a read-only one that is bound to no session.

${metrics(serverMetricTable)}
## Of an agent

\`GET /metrics\` of its local API, with its local token.

${metrics(agentMetricTable)}
## Events of the log

The field \`event\` of lines that the server logs. With \`--log-format json\` each line is one object.

${table(['Event', 'Meaning'], events)}`;
}

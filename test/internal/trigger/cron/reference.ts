/**
 * A second opinion on when a cron expression falls due: walks over the minutes of the wall clock, without any library but
 * the runtime's own table of zones. Takes plain fields only: numbers, ranges, lists, steps behind `*` or a range.
 */
const hourMs = 3_600_000;
/** Longest change of a clock whose skipped times are made good; ms. */
const longestGapMs = 3 * hourMs;

interface Fields {
  readonly minute: ReadonlySet<number>;
  readonly hour: ReadonlySet<number>;
  readonly isDue: (day: number) => boolean;
  readonly isFixed: boolean;
}

/** All instants in (after, until], epoch ms. */
export function dueBetween(options: {
  readonly expression: string;
  readonly zone: string;
  readonly after: number;
  readonly until: number;
}): number[] {
  const { zone, after, until } = options;
  const fields = readFields(options.expression);
  const offset = offsetsOf(zone);
  const due = new Set<number>();
  const dayMs = 24 * hourMs;
  for (let day = Math.floor(after / dayMs) * dayMs - dayMs; day <= until + 2 * dayMs; day += dayMs) {
    if (!fields.isDue(day)) continue;
    for (const hour of fields.hour) {
      for (const minute of fields.minute) {
        const wall = day + hour * hourMs + minute * 60_000;
        const [first, ...others] = instantsOf(wall, offset);
        if (first === undefined) {
          const end = fields.isFixed ? endOfGap(wall, offset) : null;
          if (end !== null) due.add(end);
        } else {
          due.add(first);
          if (!fields.isFixed) for (const other of others) due.add(other);
        }
      }
    }
  }
  return [...due].filter((at) => at > after && at <= until).sort((a, b) => a - b);
}

/** Instants at which the wall shows this time, in their order. */
function instantsOf(wall: number, offset: (at: number) => number): number[] {
  const offsets = new Set([-26, 0, 26].map((hours) => offset(wall + hours * hourMs)));
  return [...offsets]
    .map((one) => wall - one)
    .filter((at) => at + offset(at) === wall)
    .sort((a, b) => a - b);
}

/** The first instant behind the gap in which this wall time lies; null when a whole day or half of one is skipped. */
function endOfGap(wall: number, offset: (at: number) => number): number | null {
  let [low, high] = [wall - 26 * hourMs, wall + 26 * hourMs];
  const before = offset(low);
  if (offset(high) - before > longestGapMs || offset(high) <= before) return null;
  while (high - low > 60_000) {
    const middle = Math.floor((low + high) / 120_000) * 60_000;
    if (offset(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

const keptOffsets = new Map<string, Map<number, number>>();

/** How far the wall is ahead of UTC; ms. Kept per quarter of an hour, in which no clock has ever changed since 1980. */
function offsetsOf(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const kept = keptOffsets.get(zone) ?? new Map<number, number>();
  keptOffsets.set(zone, kept);
  return (at) => {
    const quarter = Math.floor(at / 900_000) * 900_000;
    const known = kept.get(quarter);
    if (known !== undefined) return known;
    const of = Object.fromEntries(
      format.formatToParts(quarter).map(({ type, value }) => [type, Number(value)]),
    );
    const wall = Date.UTC(of.year ?? 0, (of.month ?? 1) - 1, of.day, of.hour, of.minute, of.second);
    kept.set(quarter, wall - quarter);
    return wall - quarter;
  };
}

function readFields(expression: string): Fields {
  const words = expression.split(' ');
  const [minute, hour, day, month] = [
    valuesOf(words[0], 0, 59),
    valuesOf(words[1], 0, 23),
    valuesOf(words[2], 1, 31),
    valuesOf(words[3], 1, 12),
  ];
  const weekday = new Set([...valuesOf(words[4], 0, 7)].map((value) => value % 7));
  const [anyDay, anyWeekday] = [words[2] === '*', words[4] === '*'];
  return {
    minute,
    hour,
    isFixed: !/[*/]/.test(`${words[0]}${words[1]}`),
    isDue: (wall) => {
      const at = new Date(wall);
      if (!month.has(at.getUTCMonth() + 1)) return false;
      const [byDay, byWeekday] = [day.has(at.getUTCDate()), weekday.has(at.getUTCDay())];
      return anyDay || anyWeekday ? byDay && byWeekday : byDay || byWeekday;
    },
  };
}

function valuesOf(word: string | undefined, min: number, max: number): Set<number> {
  const values = new Set<number>();
  for (const part of (word ?? '').split(',')) {
    const [body = '', step = '1'] = part.split('/');
    const [from, to] = body === '*' ? [min, max] : body.split('-').map(Number);
    for (let value = from ?? 0; value <= (to ?? from ?? 0); value += Number(step)) values.add(value);
  }
  return values;
}

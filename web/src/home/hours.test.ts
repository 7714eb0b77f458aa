import { expect, test } from 'vitest';
import { hour, hours, says } from './hours';

const now = Date.parse('2026-11-24T10:20:00Z');
const top = Date.parse('2026-11-24T10:00:00Z');

test('a day has 24 hours, the quiet ones too, and ends with the running one', () => {
  const day = hours(now, [[top, 12, 3]], []);
  expect(day).toHaveLength(24);
  expect(day.at(-1)).toEqual({ at: top, events: 12, failed: 3, alerts: [] });
  expect(day[0]).toEqual({ at: top - 23 * hour, events: 0, failed: 0, alerts: [] });
});

test('what is older than a day, ahead of the clock or unreadable is left out', () => {
  const day = hours(
    now,
    [
      [top - 24 * hour, 9, 0],
      [top + hour, 9, 0],
      ['x', 9, 0],
    ],
    [{ first_seen: 'never', severity: 'high' }],
  );
  expect(day.reduce((n, h) => n + h.events + h.alerts.length, 0)).toBe(0);
});

test('the most severe alert of an hour is told first', () => {
  const at = new Date(top + 60_000).toISOString();
  const last = hours(
    now,
    [],
    [
      { first_seen: at, severity: 'low' },
      { first_seen: at, severity: 'critical' },
    ],
  ).at(-1);
  expect(last?.alerts).toEqual(['critical', 'low']);
  expect(last && says(last)).toMatch(/0 events, 0 failed, 2 alerts \(critical\)$/);
});

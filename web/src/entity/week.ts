import type { Schemas } from '../api/client';

type Habit = Schemas['HuntHabit'];

/** Hour is one of the 168 of a week: events now and before, and how strong before is against its busiest hour, from 0 to 4. */
export interface Hour {
  now: number;
  before: number;
  strength: number;
  fresh: boolean; // used now, and neither it nor an hour beside it before
}

/** weekOf lays the habits of an entity's hours out by weekday (0 is Monday) and hour, in UTC. */
export function weekOf(habits: readonly Habit[]): Hour[][] {
  const at = new Map(habits.map((h) => [Number(h.key), h]));
  const top = Math.max(1, ...habits.map((h) => h.before));
  return Array.from({ length: 7 }, (_, day) =>
    Array.from({ length: 24 }, (_, hour) => {
      const h = at.get(day * 24 + hour);
      const before = h?.before ?? 0;
      return {
        now: h?.now ?? 0,
        before,
        strength: before === 0 ? 0 : Math.max(1, Math.ceil((4 * before) / top)),
        fresh: h?.standing === 'new',
      };
    }),
  );
}

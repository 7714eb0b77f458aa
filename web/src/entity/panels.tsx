import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Schemas } from '../api/client';
import { count } from '../ui/format';
import { Panel } from '../ui/parts';
import { visible } from '../ui/visible';
import { Bars } from './bars';
import { entityOn, hourOf } from './kinds';
import { EntityLink } from './link';
import { Sql } from './sql';

type PanelOf = Schemas['HuntPanel'];
export type Habit = Schemas['HuntHabit'];

const atOnce = 6;

/** Standing is how usual a value is, by word and colour. */
export function Standing({ word }: { word: string }) {
  return <span className={`standing ${word}`}>{word}</span>;
}

/** Named is a value of a panel: an hour in words, an entity as a link to it. */
export function Named({ panel, habit: h }: { panel: string; habit: Pick<Habit, 'key' | 'name'> }) {
  if (panel === 'hours') return hourOf(h.key);
  const entity = entityOn(panel, h.key);
  const name = h.name ? `${h.key} ${h.name}` : h.key;
  return entity ? <EntityLink entity={entity} name={name} /> : visible(name.slice(0, 200));
}

/** Habits is one panel of a profile: each value now against before, and the SQL that it was read by. */
export function Habits({ panel: p }: { panel: PanelOf }) {
  const [most, setMost] = useState(atOnce);
  const list = p.habits ?? [];
  return (
    <Panel title={visible(p.title)} aside={<span className="dim">{count(p.of)}</span>}>
      {p.name === 'days' && list.length > 1 && (
        <Bars
          label="Events by day"
          bars={[...list]
            .sort((a, b) => a.key.localeCompare(b.key))
            .map((h) => ({
              name: h.key,
              value: h.now + h.before,
              said: `${h.key}: ${count(h.now + h.before)} events`,
            }))}
        />
      )}
      {list.length === 0 ? (
        <p className="dim">None of its events says.</p>
      ) : (
        <table className="grid habits">
          <thead>
            <tr>
              <th>Value</th>
              <th className="num">Now</th>
              <th className="num">Before</th>
              <th className="num">Days</th>
              <th>Is</th>
            </tr>
          </thead>
          <tbody>
            {list.slice(0, most).map((h) => (
              <tr key={h.key}>
                <td>
                  <Named panel={p.name} habit={h} />
                </td>
                <td className="num">
                  {count(h.now)}
                  {h.denied > 0 && <span className="bad"> {count(h.denied)} denied</span>}
                </td>
                <td className="num">{count(h.before)}</td>
                <td className="num">{h.days}</td>
                <td>
                  <Standing word={h.standing} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {list.length > most && (
        <Button size="compact-xs" variant="subtle" onClick={() => setMost(list.length)}>
          {count(list.length - most)} more
        </Button>
      )}
      {p.of > list.length && (
        <p className="dim">
          The {count(list.length)} most frequent of {count(p.of)} are kept.
        </p>
      )}
      <Sql asked={p.asked} />
    </Panel>
  );
}

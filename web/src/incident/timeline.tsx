import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { count } from '../ui/format';
import { Empty, Time } from '../ui/parts';
import { visible } from '../ui/visible';
import type { Card, Case } from './asks';
import { along, cards, type LaneBy, lanes } from './cards';
import { Events } from './events';

/** Timeline shows who did what when, a lane for each; a table of the same stands below. */
export function Timeline({ incident }: { incident: Case }) {
  const [by, setBy] = useState<LaneBy>('origin');
  const [open, setOpen] = useState<Card>();
  const all = cards(incident);
  if (all.length === 0)
    return <Empty title="No events are kept with this incident">Search the lake for its time instead.</Empty>;
  const [first, last] = [all[0]?.time ?? '', all.at(-1)?.time ?? ''];
  return (
    <div className="timeline">
      <SegmentedControl
        size="xs"
        aria-label="A lane for each"
        value={by}
        onChange={(v) => setBy(v as LaneBy)}
        data={[
          { value: 'origin', label: 'Actor' },
          { value: 'src_ip', label: 'Address' },
          { value: 'account', label: 'Account' },
          { value: 'service', label: 'Service' },
        ]}
      />
      <div className="axis" aria-hidden>
        <Time at={first} />
        <Time at={last} />
      </div>
      {lanes(all, by).map((lane) => (
        <div key={lane.name} className="lane">
          <div className="lane-name" title={visible(lane.name)}>
            {visible(lane.name.slice(0, 80))}
          </div>
          <div className="lane-line">
            {lane.points.map((c) => (
              <button
                key={c.uid}
                type="button"
                title={`${visible(c.operation)} · ${new Date(c.time).toLocaleTimeString()}`}
                className={`point ${c.outcome === 'success' ? '' : 'failed'} ${c.read_only ? 'read' : ''} ${open?.uid === c.uid ? 'on' : ''}`}
                style={{ left: `${along(c.time, first, last) * 100}%` }}
                aria-label={`${visible(c.operation)} at ${c.time}`}
                onClick={() => setOpen(c)}
              />
            ))}
          </div>
        </div>
      ))}
      <p className="dim legend">
        ● changed something · ○ read · ✕ was refused. {count(all.length)}
        {(incident.whole?.events ?? 0) > all.length && ` of ${count(incident.whole?.events ?? 0)}`} events
        {(incident.whole?.events ?? 0) > all.length && ', those of the weightiest alerts'}.
      </p>
      <Events cards={all} uids={open ? [open.uid] : all.map((c) => c.uid)} key={open?.uid ?? 'all'} />
      {open && (
        <button type="button" className="link" onClick={() => setOpen(undefined)}>
          Show all events
        </button>
      )}
    </div>
  );
}

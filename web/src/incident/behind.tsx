import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { count } from '../ui/format';
import { Empty, Panel, Said, Severity } from '../ui/parts';
import { visible } from '../ui/visible';
import type { Case } from './asks';
import { cards } from './cards';
import { Events } from './events';

const atOnce = 10;

/** Behind are the alerts that an incident rests on, the weightiest first, each with its events. */
export function Behind({ incident: c }: { incident: Case }) {
  const [most, setMost] = useState(atOnce);
  const alerts = c.alerts ?? [];
  const all = c.whole?.alerts ?? alerts.length;
  if (alerts.length === 0)
    return (
      <Empty title="No alerts belong to this incident any more">Its story is kept; the alerts were taken out.</Empty>
    );
  return (
    <div>
      {alerts.slice(0, most).map((a) => (
        <Panel
          key={a.uid}
          title={visible(a.title)}
          aside={
            <span className="aside">
              <Severity level={a.severity} />
              <Link to="/alerts/$uid" params={{ uid: a.uid }}>
                open
              </Link>
            </span>
          }
        >
          <p>
            <Said text={a.sentence} />
          </p>
          <Events cards={cards({ alerts: [a], signals: null })} uids={a.event_uids ?? []} />
        </Panel>
      ))}
      <p className="line">
        <span className="dim">
          {count(Math.min(most, alerts.length))} of {count(all)} alerts, the weightiest first.{' '}
          <Link to="/alerts" search={{ incident: c.uid, status: 'any' }}>
            All of them as a queue
          </Link>
        </span>
        {alerts.length > most && (
          <Button size="xs" variant="default" onClick={() => setMost(most + 50)}>
            Show {count(Math.min(50, alerts.length - most))} more
          </Button>
        )}
      </p>
      <details>
        <summary>Why these stand in one incident ({count(c.joins?.length ?? 0)})</summary>
        <ul>
          {[...new Set((c.joins ?? []).map((j) => j.reason))].map((r) => (
            <li key={r}>
              <Said text={r} />
            </li>
          ))}
        </ul>
      </details>
    </div>
  );
}

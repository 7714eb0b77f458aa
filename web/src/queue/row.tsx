import { Checkbox } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { count } from '../ui/format';
import { Ago, Said, Severity, State } from '../ui/parts';
import { visible } from '../ui/visible';
import type { Kind } from './change';
import type { Finding } from './queue';

export const verdictTone: Record<string, string> = {
  true_positive: 'red',
  benign_true_positive: 'teal',
  false_positive: 'gray',
};

interface RowProps {
  kind: Kind;
  row: Finding;
  on: boolean;
  chosen: boolean;
  toggle: () => void;
  touch: () => void;
}

/** Row is a finding in a queue: how severe, what, why it stands here, since when, who works on it. */
export function Row({ kind, row, on, chosen, toggle, touch }: RowProps) {
  const title = 'headline' in row ? row.headline : row.sentence || row.title;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/noStaticElementInteractions: j and k do the same
    <div className={`row ${on ? 'on' : ''} ${chosen ? 'chosen' : ''}`} aria-current={on || undefined} onClick={touch}>
      <Checkbox size="xs" checked={chosen} onChange={toggle} aria-label={`Choose: ${visible(title.slice(0, 80))}`} />
      <Severity level={row.severity} />
      <div className="row-what">
        <Link to={kind === 'incidents' ? '/incidents/$uid' : '/alerts/$uid'} params={{ uid: row.uid }} preload={false}>
          {visible(title.slice(0, 400)) || 'untitled'}
        </Link>
        <div className="row-why">
          <span title="The sum of its points; the page shows each">{count(Math.round(row.score))} points</span>
          {'headline' in row ? (
            <>
              <span>{count(row.alerts)} alerts</span>
              <span>
                {(row.accounts ?? [])
                  .slice(0, 2)
                  .map((a) => visible(a))
                  .join(', ')}
              </span>
            </>
          ) : (
            <>
              <span>
                <Said text={row.title} most={120} />
              </span>
              {row.count > 1 && <span>{count(row.count)} times</span>}
              <span>{visible(row.account)}</span>
              {row.late && <span title="Its events came late">late</span>}
            </>
          )}
        </div>
      </div>
      <div className="row-state">
        {row.verdict ? (
          <State word={row.verdict} tone={verdictTone[row.verdict]} />
        ) : (
          row.status !== 'new' && <State word={row.status} />
        )}
        {(row.assignee || row.status !== 'new') && (
          <span className="dim">{row.assignee ? visible(row.assignee) : 'unassigned'}</span>
        )}
      </div>
      <div className="row-when">
        <Ago at={row.last_seen} />
      </div>
    </div>
  );
}

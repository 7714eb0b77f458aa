import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { coarse, count, plain } from '../ui/format';
import { Time } from '../ui/parts';
import { visible } from '../ui/visible';
import type { Case } from './asks';

interface StoryProps {
  incident: Case;
  at?: number; // which sentence is opened
  open?: (i: number | undefined) => void;
}

const atOnce = 40; // sentences

/** Story tells the incident sentence by sentence; each opens the events behind it. */
export function Story({ incident, at, open }: StoryProps) {
  const list = incident.story ?? [];
  const [most, setMost] = useState(Math.max(atOnce, (at ?? 0) + 1));
  const start = Date.parse(list[0]?.time ?? incident.first_seen);
  const more = (incident.whole?.sentences ?? 0) - list.length;
  return (
    <>
      <ol className="story">
        {list.slice(0, most).map((s, i) => {
          const body = (
            <>
              <span className="when">
                <Time at={s.time} short />
                <span className="dim"> +{coarse((Date.parse(s.time) - start) / 1000)}</span>
              </span>
              <span className={`dot ${s.level}`} aria-hidden />
              <span className="tells">
                <Tells text={s.text} subject={s.subject} />
                <span className="dim">
                  {s.tactic && <em>{plain(s.tactic)}</em>}{' '}
                  {s.count > 1 ? `${s.count.toLocaleString('en')} events` : '1 event'}
                </span>
              </span>
            </>
          );
          return (
            <li key={`${s.time}${s.text}`}>
              {open ? (
                <button type="button" aria-expanded={at === i} onClick={() => open(at === i ? undefined : i)}>
                  {body}
                </button>
              ) : (
                <div>{body}</div>
              )}
            </li>
          );
        })}
      </ol>
      {list.length > most && (
        <Button size="xs" variant="default" onClick={() => setMost(list.length)}>
          {count(list.length - most)} more sentences
        </Button>
      )}
      {list.length <= most && more > 0 && (
        <p className="dim">
          {count(more)} more sentences are not told here.{' '}
          <Link to="/alerts" search={{ incident: incident.uid, status: 'any', sort: 'newest' }}>
            All its alerts as a queue
          </Link>
        </p>
      )}
    </>
  );
}

/** Tells is a sentence with its subject in bold. */
function Tells({ text, subject }: { text: string; subject: string }) {
  if (!subject || !text.startsWith(subject)) return <span>{visible(text)}</span>;
  return (
    <span>
      <strong>{visible(subject)}</strong>
      {visible(text.slice(subject.length))}
    </span>
  );
}

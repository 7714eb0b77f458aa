import { coarse, plain } from '../ui/format';
import { Time } from '../ui/parts';
import { visible } from '../ui/visible';
import type { Case } from './asks';

interface StoryProps {
  incident: Case;
  at?: number; // which sentence is opened
  open?: (i: number | undefined) => void;
}

/** Story tells the incident sentence by sentence; each opens the events behind it. */
export function Story({ incident, at, open }: StoryProps) {
  const list = incident.story ?? [];
  const start = Date.parse(list[0]?.time ?? incident.first_seen);
  return (
    <ol className="story">
      {list.map((s, i) => {
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

import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { entityIn } from '../entity/kinds';
import { EntityLink } from '../entity/link';
import { EventRecord } from '../incident/events';
import { Severity, Time } from '../ui/parts';
import { useRows } from '../ui/rows';
import { visible } from '../ui/visible';
import { idOf, type Sighting } from './ask';

/** Sightings are events and alerts in time, the oldest first; one opens its record. */
export function Sightings({ list }: { list: readonly Sighting[] }) {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const open = (s: Sighting) => {
    if (s.alert) return go({ to: '/alerts/$uid', params: { uid: s.alert.uid } });
    const event = search.event === idOf(s) ? undefined : idOf(s);
    return go({ to: '/pivot', search: { ...search, event }, replace: true, resetScroll: false });
  };
  const rows = useRows({ rows: list, id: idOf, open, height: 30 });
  const seen = list.find((s) => idOf(s) === search.event);
  const items = rows.virtual.getVirtualItems();
  return (
    <>
      {seen?.event_uid && (
        <section className="panel" aria-label="Event">
          <header>
            <h2>{visible(seen.operation ?? 'Event')}</h2>
            <button type="button" className="link" onClick={() => open(seen)}>
              close
            </button>
          </header>
          <EventRecord uid={seen.event_uid} key={idOf(seen)} />
        </section>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
      <section className="table" ref={rows.box} tabIndex={0} aria-label="Sightings">
        <table>
          <thead>
            <tr>
              {['time', 'it is its', 'what', 'who', 'from', 'account', 'Region', 'on what'].map((c) => (
                <th key={c} scope="col">
                  {c}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr style={{ height: items[0]?.start ?? 0 }} aria-hidden />
            {items.map((v) => {
              const s = list[v.index];
              return s ? (
                <tr
                  key={idOf(s)}
                  className={v.index === rows.at ? 'on' : ''}
                  onClick={() => {
                    rows.setCursor(idOf(s));
                    open(s);
                  }}
                >
                  <Cells sighting={s} />
                </tr>
              ) : null;
            })}
            <tr style={{ height: Math.max(0, rows.virtual.getTotalSize() - (items.at(-1)?.end ?? 0)) }} aria-hidden />
          </tbody>
        </table>
      </section>
    </>
  );
}

function Cells({ sighting: s }: { sighting: Sighting }) {
  const a = s.alert;
  return (
    <>
      <td>
        <Time at={s.time} />
      </td>
      <td>{a ? 'alert' : (s.as ?? []).map((x) => visible(x)).join(', ')}</td>
      <td className="wide">
        {a ? (
          <>
            <Severity level={a.severity} />{' '}
            <Link to="/alerts/$uid" params={{ uid: a.uid }} preload={false} onClick={(e) => e.stopPropagation()}>
              {visible(a.sentence.slice(0, 200))}
            </Link>
          </>
        ) : (
          <>
            {visible(s.operation ?? '')} {s.status === 'Failure' && <span className="bad">failed</span>}
          </>
        )}
      </td>
      <Cell column="origin" value={a?.origin ?? s.origin} />
      <Cell column="src_ip" value={s.src_ip} />
      <Cell column="account" value={a?.account ?? s.account} />
      <td>{visible(s.region ?? '')}</td>
      <Cell column="resource" value={s.resource} />
    </>
  );
}

function Cell({ column, value }: { column: string; value?: string }) {
  const entity = entityIn(column, value);
  return <td className="wide">{entity && <EntityLink entity={entity} />}</td>;
}

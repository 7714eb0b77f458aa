import { Link } from '@tanstack/react-router';
import type { Schemas } from '../api/client';
import { count, plain } from '../ui/format';
import { Empty, Panel, Said, Severity, Time } from '../ui/parts';
import { Bars } from './bars';

type Profile = Schemas['HuntProfile'];

const round = (n: number) => (Math.round(n * 10) / 10).toLocaleString('en');

/** RiskPanel draws the risk day by day, and lists what it is the sum of. */
export function RiskPanel({ profile: p }: { profile: Profile }) {
  const parts = [...(p.risk.parts ?? [])].sort((a, b) => b.points - a.points);
  const most = Math.max(1, ...parts.map((s) => s.points));
  return (
    <Panel title="Risk" aside={<strong>{round(p.risk.points)} points</strong>}>
      {parts.length === 0 ? (
        <p className="dim">No alert names it in this time: nothing adds to its risk.</p>
      ) : (
        <>
          <Bars
            label={`Risk by day, ${round(p.risk.points)} points at the end`}
            bars={(p.risk.days ?? []).map((d) => ({
              name: d.day,
              value: d.points,
              said: `${d.day}: ${round(d.points)} points`,
            }))}
          />
          <div className="why">
            <ul>
              {parts.map((s) => (
                <li key={s.uid}>
                  <span className="points">+{round(s.points)}</span>
                  <span className="weight" aria-hidden>
                    <i style={{ width: `${(100 * Math.max(0, s.points)) / most}%` }} />
                  </span>
                  <span>
                    <Link to="/alerts/$uid" params={{ uid: s.uid }} preload={false}>
                      <Said text={s.reason} />
                    </Link>{' '}
                    {s.points < s.score && <span className="dim">{round(s.score)} when it was seen</span>}
                  </span>
                </li>
              ))}
            </ul>
          </div>
        </>
      )}
    </Panel>
  );
}

/** FindingsPanel lists the alerts that name the entity. */
export function FindingsPanel({ profile: p }: { profile: Profile }) {
  const list = p.risk.findings ?? [];
  return (
    <Panel title="Findings" aside={<span className="dim">{count(list.length)}</span>}>
      {list.length === 0 && (
        <Empty title="No alert names it">Rules saw nothing in what it did, or what was done to it.</Empty>
      )}
      <ul className="needs">
        {list.map((f) => (
          <li key={f.uid}>
            <Severity level={f.severity} />
            <div>
              <Link to="/alerts/$uid" params={{ uid: f.uid }} preload={false}>
                <Said text={f.sentence || f.title} />
              </Link>
              <div className="dim">
                <Time at={f.last_seen} /> · {plain(f.verdict || f.status)}
                {f.incident && (
                  <>
                    {' · '}
                    <Link to="/incidents/$uid" params={{ uid: f.incident }} preload={false}>
                      its incident
                    </Link>
                  </>
                )}
              </div>
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

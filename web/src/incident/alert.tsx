import { Link, useParams } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useDecide } from '../queue/decide';
import { plain } from '../ui/format';
import { Panel, Said, Time, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { type AlertCase, useAlert } from './asks';
import { cards } from './cards';
import { Events } from './events';
import { Entities, Why } from './facts';
import { Head } from './head';
import { Activity } from './work';

/** AlertPage is one alert: what the rule saw, and by which events. */
export function AlertPage() {
  const { uid } = useParams({ strict: false });
  const asked = useAlert(uid ?? '');
  const a = asked.data;
  const about = useMemo(
    () => (a ? { kind: 'alerts' as const, uids: [a.uid], version: a.decision.version } : undefined),
    [a],
  );
  const deciding = useDecide(about);
  if (asked.error) {
    return (
      <div className="page">
        <Trouble error={asked.error} retry={() => asked.refetch()} />
        <Link to="/alerts">All alerts</Link>
      </div>
    );
  }
  if (!a) return <Waiting what="Reading the alert" />;
  return (
    <article className="page incident">
      <nav aria-label="Where this is" className="crumb">
        <Link to="/alerts">Alerts</Link>
        {a.incident && (
          <Link to="/incidents/$uid" params={{ uid: a.incident }}>
            its incident
          </Link>
        )}
      </nav>
      <Head
        decision={a.decision}
        title={a.sentence || a.title}
        deciding={deciding}
        when={
          <>
            <Time at={a.first_seen} /> to <Time at={a.last_seen} /> · {visible(a.account)}
          </>
        }
      />
      <div className="columns">
        <div>
          <AlertBody alert={a} />
        </div>
        <div>
          <Panel title="Why it ranks here">
            <Why score={a.score} parts={a.score_parts} steps={a.severity_steps} />
          </Panel>
          <Panel title="Activity">
            <Activity list={a.decision.activity} />
          </Panel>
        </div>
      </div>
      {deciding.dialog}
    </article>
  );
}

/** AlertBody is the rule, what it matched and the events: the same on the page and beside a list. */
export function AlertBody({ alert: a }: { alert: AlertCase }) {
  const matches = (a.signals ?? []).flatMap((s) => s.matches ?? []).slice(0, 12);
  return (
    <>
      <Panel
        title={visible(a.rule.title)}
        aside={
          <Link to="/alerts" search={{ rule: a.rule.id, status: 'any' }}>
            all of this rule
          </Link>
        }
      >
        <p className="dim">
          {visible(a.rule.level)} rule, {plain(a.rule.tier)};{' '}
          {(a.rule.attacks ?? []).map((t) => `${t.technique ?? ''} ${plain(t.tactic)}`).join(', ')}
        </p>
        {matches.length > 0 && (
          <dl className="facts">
            {matches.map((m) => (
              <div key={`${m.test}${m.value}`}>
                <dt className="mono">{visible(m.field)}</dt>
                <dd>
                  <Said text={m.value} most={200} /> <span className="dim mono">{visible(m.test.slice(0, 160))}</span>
                </dd>
              </div>
            ))}
          </dl>
        )}
      </Panel>
      <Panel title={`Events (${(a.event_uids ?? []).length.toLocaleString('en')})`}>
        <Events cards={cards({ alerts: [a], signals: null })} uids={a.event_uids ?? []} />
      </Panel>
      <Panel title="Who and what took part">
        <Entities all={a.entities} />
      </Panel>
    </>
  );
}

import { Tabs } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { seen, useLive } from '../api/live';
import { Frozen } from '../evidence/frozen';
import { useDecide } from '../queue/decide';
import { useKeys } from '../ui/keys';
import { Ago, Key, Panel, Said, Time, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { type Case, useCase } from './asks';
import { Behind } from './behind';
import { cards } from './cards';
import { Events } from './events';
import { Attacks, Entities, Why } from './facts';
import { Head } from './head';
import { Memory } from './memory';
import { useRegroup } from './regroup';
import { Story } from './story';
import { Timeline } from './timeline';
import { Activity, Links, Tasks } from './work';

const tabs = ['story', 'timeline', 'evidence', 'work'] as const;
const names = { story: 'Story', timeline: 'Time line', evidence: 'Evidence', work: 'Work' };

/** IncidentPage is one incident: what happened in a minute's reading, the proof behind each sentence, and what people do about it. */
export function IncidentPage() {
  const { uid } = useParams({ strict: false });
  const asked = useCase(uid ?? '');
  if (asked.error) {
    return (
      <div className="page">
        <Trouble error={asked.error} retry={() => asked.refetch()} />
        <Link to="/incidents">All incidents</Link>
      </div>
    );
  }
  if (!asked.data) return <Waiting what="Reading the incident" />;
  return <Read incident={asked.data} />;
}

function Read({ incident: c }: { incident: Case }) {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const tab = tabs.find((t) => t === search.tab) ?? 'story';
  const { uid } = c;
  const about = useMemo(
    () => ({ kind: 'incidents' as const, uids: [uid], version: c.decision.version }),
    [uid, c.decision.version],
  );
  const deciding = useDecide(about);
  const regroup = useRegroup(c);
  const d = c.decision;
  const open = (t: string) => go({ to: '/incidents/$uid', params: { uid }, search: { tab: t }, replace: true });
  useKeys({
    ...Object.fromEntries(tabs.map((t, i) => [String(i + 1), () => open(t)])),
    Escape: () => go({ to: '/incidents' }),
  });
  useEffect(() => {
    document.title = `${c.severity}: ${visible(c.headline.slice(0, 60))} · Tocsin`;
  }, [c.severity, c.headline]);
  return (
    <article className="page incident">
      <nav aria-label="Where this is" className="crumb">
        <Link to="/incidents">Incidents</Link>
        <Changed uid={uid} />
        <Lookers me={deciding.me?.name} />
      </nav>
      <Head
        decision={d}
        title={c.headline}
        deciding={deciding}
        whole
        acts={regroup.buttons}
        when={
          <>
            <Time at={c.first_seen} /> to <Time at={c.last_seen} /> ·{' '}
            {(c.accounts ?? []).map((a) => visible(a)).join(', ')} ·{' '}
            {(c.regions ?? []).map((r) => visible(r)).join(', ')} · seen <Ago at={d.created_at} />
          </>
        }
      >
        <Memory incident={c} />
      </Head>
      <Tabs value={tab} onChange={(t) => t && open(t)} keepMounted={false}>
        <Tabs.List>
          {tabs.map((t) => (
            <Tabs.Tab key={t} value={t}>
              {names[t]}
              {t === 'work' &&
                (c.tasks?.length ?? 0) > 0 &&
                ` (${(c.tasks ?? []).filter((x) => !x.done_by).length} open)`}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="story">
          <StoryTab incident={c} />
        </Tabs.Panel>
        <Tabs.Panel value="timeline">
          <Timeline incident={c} />
        </Tabs.Panel>
        <Tabs.Panel value="evidence">
          <Frozen incident={uid} />
          <Behind incident={c} />
        </Tabs.Panel>
        <Tabs.Panel value="work">
          <div className="columns">
            <Panel title="Activity">
              <Activity list={d.activity} />
            </Panel>
            <div>
              <Panel title="Tasks">
                <Tasks incident={c} />
              </Panel>
              <Panel title="Links">
                <Links incident={c} />
              </Panel>
            </div>
          </div>
        </Tabs.Panel>
      </Tabs>
      {deciding.dialog}
      {regroup.dialog}
    </article>
  );
}

function StoryTab({ incident: c }: { incident: Case }) {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const at = search.sentence === undefined ? undefined : Number(search.sentence);
  const sentence = at === undefined ? undefined : c.story?.[at];
  const open = (i: number | undefined) =>
    go({
      to: '/incidents/$uid',
      params: { uid: c.uid },
      search: { tab: 'story', sentence: i === undefined ? undefined : String(i) },
      replace: true,
    });
  return (
    <div className="columns">
      <div>
        <Panel title="What happened">
          <Story incident={c} at={at} open={open} />
        </Panel>
        {sentence && (
          <Panel title={`Behind sentence ${(at ?? 0) + 1}`}>
            <Events cards={cards(c)} uids={sentence.event_uids ?? []} of={sentence.count} key={at} />
          </Panel>
        )}
      </div>
      <div>
        <Panel title="Why it ranks here">
          <Why score={c.score} parts={c.score_parts} steps={c.severity_steps} />
        </Panel>
        <Panel title="What is not known">
          {c.unknown?.length ? (
            <ul>
              {c.unknown.map((u) => (
                <li key={u}>
                  <Said text={u} />
                </li>
              ))}
            </ul>
          ) : (
            <p className="dim">Nothing was missing for this story.</p>
          )}
        </Panel>
        <Panel title="Who and what took part">
          <Entities all={c.entities} />
        </Panel>
        <Panel title="ATT&CK">
          <Attacks all={c.attacks} />
        </Panel>
      </div>
    </div>
  );
}

/** Changed says that this incident is not what one sees any more; it is read anew when one asks. */
function Changed({ uid }: { uid: string }) {
  const client = useQueryClient();
  const news = useLive().changed.get(uid);
  async function show() {
    seen((u) => u.uid !== uid);
    await client.invalidateQueries({ queryKey: ['incidents', 'one', uid] });
  }
  useKeys({ r: news ? show : undefined });
  if (!news) return null;
  return (
    <button type="button" className="news" onClick={show}>
      changed since <Key>r</Key>
    </button>
  );
}

function Lookers({ me }: { me?: string }) {
  const others = useLive().lookers.filter((n) => n !== me);
  if (others.length === 0) return null;
  return <span className="lookers">{others.map((n) => visible(n)).join(', ')} also looks at this</span>;
}

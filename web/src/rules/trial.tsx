import { Button, Select, Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, got, type Schemas } from '../api/client';
import { count } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Key, Panel, Said, Scroll, Severity, Time, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { alike, type Line, lines, range, ranges, spread, told } from './differs';

type Tried = Schemas['RuleTrial'];

/** Trial judges history with a rule as it stands, or with a text in its place, before anything is decided by it. */
export function Trial({ rule, text, last }: { rule: string; text: string; last?: string }) {
  const client = useQueryClient();
  const [days, setDays] = useState(ranges(last, Date.now())[0]?.value ?? '7');
  const [edited, setEdited] = useState<string>();
  const [ask, setAsk] = useState<{ at: number; body: { text?: string; from: string; to: string } }>();
  const key = ['rules', rule, 'try', ask];
  const asked = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => {
      if (!ask) throw new Error('nothing is asked');
      return got(api.POST('/api/v1/rules/{uid}/try', { params: { path: { uid: rule } }, body: ask.body, signal }));
    },
    enabled: ask !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const changed = edited !== undefined && edited !== text;
  const run = () => {
    setAsk({ at: Date.now(), body: { ...(changed && { text: edited }), ...range(days, last, Date.now()) } });
  };
  useKeys({ t: asked.isFetching ? undefined : run });
  return (
    <Panel
      title="Try over history"
      aside={
        <span className="buttons">
          <Select
            size="xs"
            aria-label="How far back"
            data={ranges(last, Date.now())}
            value={days}
            allowDeselect={false}
            onChange={(v) => setDays(v ?? '7')}
            w={days === 'last' ? 190 : 100}
          />
          {asked.isFetching ? (
            <Button size="xs" variant="default" onClick={() => client.cancelQueries({ queryKey: key })}>
              Stop
            </Button>
          ) : (
            <Button size="xs" variant="default" onClick={run}>
              {changed ? 'Compare' : 'Try'}&nbsp;<Key>t</Key>
            </Button>
          )}
        </span>
      }
    >
      {!ask && (
        <p className="dim">
          It says what the rule finds in the lake's history, day by day. Change the text below to compare: what would be
          gained, lost and changed. Nothing is written, and live detection goes on as it is.
        </p>
      )}
      {edited === undefined ? (
        <Button size="compact-xs" variant="subtle" onClick={() => setEdited(text)}>
          Change the text
        </Button>
      ) : (
        <>
          <Textarea
            aria-label="The rule, changed"
            autosize
            minRows={8}
            maxRows={30}
            value={edited}
            onChange={(e) => setEdited(e.currentTarget.value)}
            classNames={{ input: 'mono' }}
          />
          {changed && <Edits was={text} is={edited} />}
          <Button size="compact-xs" variant="subtle" onClick={() => setEdited(undefined)}>
            Back to the text as it stands
          </Button>
        </>
      )}
      {asked.isFetching && <Waiting what="Judging history" />}
      {asked.error && !asked.isFetching && <Trouble error={asked.error} retry={run} />}
      {asked.data && !asked.isFetching && <Outcome trial={asked.data} />}
    </Panel>
  );
}

function Edits({ was, is }: { was: string; is: string }) {
  return (
    <figure className="raw">
      <figcaption>What is changed</figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
      <pre tabIndex={0} className="diff">
        {alike(lines(was, is)).map((l: Line, i) => (
          <span key={i} className={l.how}>
            {l.how === 'added' ? '+ ' : l.how === 'removed' ? '− ' : '  '}
            {visible(l.text)}
            {'\n'}
          </span>
        ))}
      </pre>
    </figure>
  );
}

function Outcome({ trial: t }: { trial: Tried }) {
  const shown = t.shown ?? [];
  return (
    <div role="status">
      <p>
        <strong>{told(t)}</strong>{' '}
        <span className="dim">
          {count(t.events)} events of <Time at={t.from} /> to <Time at={t.to} /> were judged, single alerts below the
          queue counted too.
        </span>
      </p>
      {(t.notes ?? []).map((n) => (
        <p key={n} className="bad">
          {visible(n)}
        </p>
      ))}
      <Days trial={t} />
      {shown.length > 0 && (
        <Scroll label="What it finds">
          <table className="grid cards">
            <thead>
              <tr>
                {t.edited && <th>How</th>}
                <th>Severity</th>
                <th>What</th>
                <th>Account</th>
                <th>First seen</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((f, i) => (
                <tr key={i}>
                  {t.edited && <td data-is="How">{f.how}</td>}
                  <td data-is="Severity">
                    <Severity level={f.severity} />
                  </td>
                  <td data-is="What">
                    <Said text={f.sentence} most={200} />
                  </td>
                  <td data-is="Account" className="mono">
                    {visible(f.account)}
                  </td>
                  <td data-is="First seen">
                    <Link
                      to="/search"
                      search={{
                        from: new Date(new Date(f.first_seen).getTime() - 3_600_000).toISOString(),
                        to: new Date(new Date(f.first_seen).getTime() + 3_600_000).toISOString(),
                      }}
                    >
                      <Time at={f.first_seen} />
                    </Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </div>
  );
}

function Days({ trial: t }: { trial: Tried }) {
  const days = spread(t.days ?? [], t.from, t.to);
  const most = Math.max(...days.map((d) => Math.max(d.before, d.after)), 1);
  if (t.before + t.after === 0) return null;
  return (
    <figure className="trial" aria-label="Alerts by day">
      <div className="trial-days">
        {days.map((d) => {
          const says = t.edited ? `${d.day}: ${d.before} now, ${d.after} changed` : `${d.day}: ${d.before}`;
          return (
            <span key={d.day} className="trial-day" title={says}>
              <i style={{ height: `${(d.before / most) * 100}%` }} />
              {t.edited && <b style={{ height: `${(d.after / most) * 100}%` }} />}
            </span>
          );
        })}
      </div>
      <figcaption>
        <span>{days[0]?.day}</span>
        <span>
          <i className="mark events" /> as it stands{' '}
          {t.edited && (
            <>
              <i className="mark tried" /> changed
            </>
          )}
        </span>
        <span>{days.at(-1)?.day}</span>
      </figcaption>
    </figure>
  );
}

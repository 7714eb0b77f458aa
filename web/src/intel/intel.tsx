import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, Fragment } from 'react';
import { api, got } from '../api/client';
import { count } from '../ui/format';
import { Ago, Empty, Panel, Said, Scroll, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';

/** Intelligence says what feeds there are, how fresh they are and what they met, and what they say of a value. */
export function Intelligence() {
  const feeds = useQuery({ queryKey: ['intel'], queryFn: () => got(api.GET('/api/v1/intel')) });
  return (
    <div className="page">
      <header className="page-head">
        <h1>Intelligence</h1>
      </header>
      <Check />
      {feeds.isPending && <Waiting what="Reading feeds" />}
      {feeds.error && <Trouble error={feeds.error} retry={() => feeds.refetch()} />}
      {feeds.data?.length === 0 && (
        <Empty title="No feed is read yet">
          <code>tocsin intel add NAME --url https://…</code> adds one; its hits become signals.
        </Empty>
      )}
      {(feeds.data?.length ?? 0) > 0 && (
        <Scroll label="Feeds" panel>
          <table className="grid">
            <thead>
              <tr>
                <th>Feed</th>
                <th>Fresh</th>
                <th className="num">Entries</th>
                <th className="num">Loaded</th>
                <th className="num">Expired</th>
                <th className="num">Refused</th>
                <th className="num">Hits</th>
                <th>Last hit</th>
              </tr>
            </thead>
            <tbody>
              {feeds.data?.map((f) => (
                <tr key={f.name}>
                  <td>
                    <strong>{visible(f.name)}</strong> {f.allow && <span className="dim">allow-list</span>}
                    <div className="dim">
                      <Said text={f.url ?? f.file ?? ''} />
                    </div>
                    {f.error && (
                      <div className="bad">
                        <Said text={f.error} />
                      </div>
                    )}
                  </td>
                  <td>
                    <Ago at={f.fetched_at} />
                  </td>
                  <td className="num">{count(f.entries)}</td>
                  <td className="num">{count(f.loaded)}</td>
                  <td className="num">{count(f.expired)}</td>
                  <td className="num">{count(f.refused + f.not_understood)}</td>
                  <td className="num">{count(f.hits)}</td>
                  <td>
                    <Ago at={f.last_hit} />
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

function Check() {
  const go = useNavigate();
  const { value } = useSearch({ strict: false }) as { value?: string };
  const asked = useQuery({
    queryKey: ['intel', 'check', value],
    queryFn: () => got(api.GET('/api/v1/intel/check', { params: { query: { value: value ?? '' } } })),
    enabled: !!value,
  });
  function check(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    go({ to: '/intelligence', search: { value: String(new FormData(e.currentTarget).get('value')).trim() } });
  }
  return (
    <Panel title="What do the feeds say of…">
      <form onSubmit={check} className="line">
        <TextInput
          name="value"
          size="xs"
          aria-label="An address, a name, a URL or a hash"
          placeholder="146.70.41.77, evil.example, a hash"
          defaultValue={value}
        />
        <Button type="submit" size="xs">
          Check
        </Button>
      </form>
      {asked.error && <Trouble error={asked.error} />}
      {asked.data && (
        <div role="status">
          <p>
            {visible(asked.data.value)}:{' '}
            {asked.data.listed ? <strong className="bad">listed</strong> : 'no feed names it now'}
            {asked.data.allowed?.length ? `; covered by the allow-list ${asked.data.allowed.join(', ')}` : ''}
          </p>
          <dl className="facts">
            {asked.data.feeds?.map((f) => (
              <Fragment key={`${f.feed}${f.indicator}`}>
                <div>
                  <dt>{visible(f.feed)}</dt>
                  <dd>
                    {f.kind} {visible(f.indicator)}, confidence {f.confidence}
                    {f.expired && ', expired'} {(f.tags ?? []).map((t) => visible(t)).join(', ')}
                  </dd>
                </div>
              </Fragment>
            ))}
          </dl>
        </div>
      )}
    </Panel>
  );
}

import { Button, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { FormEvent } from 'react';
import { api, got } from '../api/client';
import { Empty, Said, Scroll, Time, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';

const pageSize = 200;

/** Audit says who did what, the newest first. */
export function Audit() {
  const go = useNavigate();
  const { actor, action, object } = useSearch({ strict: false }) as {
    actor?: string;
    action?: string;
    object?: string;
  };
  const asked = useInfiniteQuery({
    queryKey: ['audit', actor, action, object],
    initialPageParam: '',
    queryFn: ({ pageParam }) =>
      got(
        api.GET('/api/v1/audit', {
          params: { query: { actor, action, object, before: pageParam || undefined, limit: pageSize } },
        }),
      ),
    getNextPageParam: (last) => (last?.length === pageSize ? last.at(-1)?.id : undefined),
  });
  const rows = asked.data?.pages.flatMap((p) => p ?? []) ?? [];
  function narrow(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const f = new FormData(e.currentTarget);
    const word = (n: string) => String(f.get(n)).trim() || undefined;
    go({ to: '/audit', search: { actor: word('actor'), action: word('action'), object: word('object') } });
  }
  return (
    <div className="page">
      <header className="page-head">
        <h1>Audit</h1>
        <span className="dim">Every entry is an event in the lake too, under the source tocsin-audit.</span>
      </header>
      <form onSubmit={narrow} className="line even">
        <TextInput name="actor" size="xs" aria-label="Who" placeholder="Who" defaultValue={actor} />
        <TextInput
          name="action"
          size="xs"
          aria-label="Did what"
          placeholder="Did what: signin, search…"
          defaultValue={action}
        />
        <TextInput name="object" size="xs" aria-label="To what" placeholder="To what" defaultValue={object} />
        <Button type="submit" size="xs" variant="default">
          Narrow
        </Button>
      </form>
      {asked.isPending && <Waiting what="Reading the audit log" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.data && rows.length === 0 && (
        <Empty title="No entry matches">Names and actions must be whole: signin, incident.verdict, search.</Empty>
      )}
      {rows.length > 0 && (
        <Scroll label="Entries of the audit log" panel>
          <table className="grid cards">
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>Did</th>
                <th>To</th>
                <th>Outcome</th>
                <th>Detail</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((r) => (
                <tr key={r.id}>
                  <td data-is="When">
                    <Time at={r.at} />
                  </td>
                  <td data-is="Who">
                    {visible(r.actor)} <span className="dim">{visible(r.address ?? '')}</span>
                  </td>
                  <td data-is="Did">{visible(r.action)}</td>
                  <td data-is="To">
                    <Said text={r.object ?? ''} most={80} />
                  </td>
                  <td data-is="Outcome" className={r.outcome === 'success' ? '' : 'bad'}>
                    {r.outcome}
                  </td>
                  <td data-is="Detail" className="mono">
                    <Said text={r.detail ?? ''} most={240} lines />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {asked.hasNextPage && (
        <Button variant="default" size="xs" onClick={() => asked.fetchNextPage()} loading={asked.isFetchingNextPage}>
          Older ones
        </Button>
      )}
    </div>
  );
}

import { Button } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { api, got, type Schemas } from '../api/client';
import { seen, useLive } from '../api/live';
import { count } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Empty, Key, Trouble, Waiting } from '../ui/parts';
import { useRows } from '../ui/rows';
import type { Kind, Level, Status, Verdict } from './change';
import { useDecide } from './decide';
import { Filters } from './filters';
import { Preview } from './preview';
import { Row } from './row';
import { type Narrowed, narrowing } from './views';

export type Finding = Schemas['IncidentRow'] | Schemas['AlertRow'];

export function Incidents() {
  return <Queue kind="incidents" />;
}

export function Alerts() {
  return <Queue kind="alerts" />;
}

const pageSize = 200;

function usePages(kind: Kind, narrowed: Narrowed) {
  return useInfiniteQuery({
    queryKey: [kind, 'list', narrowed],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const query = {
        ...narrowed,
        status: (narrowed.status === 'any' ? undefined : (narrowed.status ?? 'open')) as Status | 'open' | undefined,
        min_severity: narrowed.min_severity as Level | undefined,
        verdict: narrowed.verdict as Verdict | undefined,
        sort: (narrowed.sort ?? 'rank') as 'rank' | 'newest',
        suppressed: narrowed.suppressed === 'yes' || undefined,
        after: pageParam || undefined,
        limit: pageSize,
      };
      const asked = { params: { query }, signal };
      return got<{ items: Finding[] | null; next?: string; total: number; suppressed?: number }>(
        kind === 'incidents' ? api.GET('/api/v1/incidents', asked) : api.GET('/api/v1/alerts', asked),
      );
    },
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });
}

/** Queue lists findings, the weightiest first: walked by keys, judged one by one or many at once, with what is chosen beside it. */
function Queue({ kind }: { kind: Kind }) {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const narrowed = useMemo(() => narrowing(search), [search]);
  const pages = usePages(kind, narrowed);
  const rows = useMemo(() => pages.data?.pages.flatMap((p) => p.items ?? []) ?? [], [pages.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = pages;
  const end = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const open = (r: Finding) =>
    kind === 'incidents'
      ? go({ to: '/incidents/$uid', params: { uid: r.uid } })
      : go({ to: '/alerts/$uid', params: { uid: r.uid } });
  const list = useRows({ rows, id: (r) => r.uid, open, height: 64, end });
  const [beside, setBeside] = useState(search.preview === 'yes');
  const about = useMemo(() => {
    const uids = list.chosen.size > 0 ? [...list.chosen] : list.current ? [list.current.uid] : [];
    return { kind, uids, version: uids.length === 1 ? rows.find((r) => r.uid === uids[0])?.version : undefined };
  }, [kind, list.chosen, list.current, rows]);
  const { setChosen } = list;
  const clear = useCallback(() => setChosen(new Set()), [setChosen]);
  const deciding = useDecide(about, clear);
  useKeys({ p: () => setBeside(!beside), Escape: clear });
  const total = pages.data?.pages[0]?.total ?? 0;
  const setNarrowed = (n: Narrowed) => go({ to: kind === 'incidents' ? '/incidents' : '/alerts', search: n });
  return (
    <div className={`queue ${beside ? 'split' : ''}`}>
      <div className="queue-list">
        <header className="page-head">
          <h1>{kind === 'incidents' ? 'Incidents' : 'Alerts'}</h1>
          <span className="dim" role="status">
            {pages.data && count(total)}
          </span>
          {kind === 'alerts' && (
            <Hidden narrowed={narrowed} hidden={pages.data?.pages[0]?.suppressed ?? 0} set={setNarrowed} />
          )}
          <News kind={kind} empty={pages.data !== undefined && rows.length === 0} />
          <span className="grow" />
          <Button
            size="compact-sm"
            variant="default"
            visibleFrom="md"
            onClick={() => setBeside(!beside)}
            aria-pressed={beside}
          >
            Show beside&nbsp;<Key>p</Key>
          </Button>
        </header>
        <Filters kind={kind} narrowed={narrowed} set={setNarrowed} />
        {pages.error && <Trouble error={pages.error} retry={() => pages.refetch()} />}
        {deciding.fault && <Trouble error={deciding.fault} />}
        {pages.isPending && <Waiting what={`Reading ${kind}`} />}
        {pages.data && rows.length === 0 && <Nothing kind={kind} narrowed={narrowed} clear={() => setNarrowed({})} />}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
        <section className="rows" ref={list.box} tabIndex={0} aria-label={`List of ${kind}`}>
          <ul style={{ height: list.virtual.getTotalSize() }}>
            {list.virtual.getVirtualItems().map((v) => {
              const r = rows[v.index];
              return r ? (
                <li
                  key={r.uid}
                  data-index={v.index}
                  ref={list.virtual.measureElement}
                  style={{ transform: `translateY(${v.start}px)` }}
                >
                  <Row
                    kind={kind}
                    row={r}
                    on={v.index === list.at}
                    chosen={list.chosen.has(r.uid)}
                    toggle={() => list.toggle(r.uid)}
                    touch={() => list.setCursor(r.uid)}
                  />
                </li>
              ) : null;
            })}
          </ul>
        </section>
        {list.chosen.size > 0 && (
          <section className="bulk" aria-label="Chosen">
            <strong>{count(list.chosen.size)} chosen</strong>
            <Button size="compact-sm" onClick={() => deciding.open('verdict')} disabled={!deciding.may}>
              Verdict&nbsp;<Key>v</Key>
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => deciding.open('status')}
              disabled={!deciding.may}
            >
              Status&nbsp;<Key>s</Key>
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => deciding.open('assignee')}
              disabled={!deciding.may}
            >
              Assign
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => setChosen(new Set(rows.map((r) => r.uid)))}>
              All {count(rows.length)} loaded
            </Button>
            <Button size="compact-sm" variant="subtle" onClick={clear}>
              None
            </Button>
          </section>
        )}
      </div>
      {beside && list.current && <Preview kind={kind} row={list.current} />}
      {deciding.dialog}
    </div>
  );
}

/** Hidden says how many alerts accepted filters take out of this view, and shows them when one asks. */
function Hidden({ narrowed, hidden, set }: { narrowed: Narrowed; hidden: number; set: (n: Narrowed) => void }) {
  if (narrowed.suppressed === 'yes')
    return (
      <button type="button" className="link" onClick={() => set({ ...narrowed, suppressed: undefined })}>
        these are hidden by filters: back to the queue
      </button>
    );
  if (hidden === 0) return null;
  return (
    <button type="button" className="link" onClick={() => set({ ...narrowed, suppressed: 'yes' })}>
      {count(hidden)} hidden by filters
    </button>
  );
}

/** News says how many findings changed since the list was read, and shows them when one asks: nothing moves by itself, but an empty list fills. */
function News({ kind, empty }: { kind: Kind; empty: boolean }) {
  const { changed } = useLive();
  const client = useQueryClient();
  const n = [...changed.values()].filter((u) => u.kind === kind).length;
  const show = useCallback(async () => {
    seen((u) => u.kind !== kind);
    await client.invalidateQueries({ queryKey: [kind] });
  }, [client, kind]);
  useEffect(() => seen((u) => u.kind !== kind), [kind]);
  useEffect(() => {
    if (empty && n > 0) show();
  }, [empty, n, show]);
  useKeys({ r: show });
  if (n === 0) return null;
  return (
    <button type="button" className="news" onClick={show}>
      {count(n)} new <Key>r</Key>
    </button>
  );
}

function Nothing({ kind, narrowed, clear }: { kind: Kind; narrowed: Narrowed; clear: () => void }) {
  if (Object.keys(narrowed).length > 0) {
    return (
      <Empty title={`No ${kind} match`}>
        <p>What is narrowed too far shows nothing.</p>
        <Button variant="default" size="xs" onClick={clear}>
          Show all that are open
        </Button>
      </Empty>
    );
  }
  return (
    <Empty title={`No open ${kind}`}>
      <p>
        They appear by themselves as sources deliver. Without a source:{' '}
        <code>tocsin source add NAME --kind folder --set path=DIR</code>
      </p>
      <p>
        To see how it looks: <code>make run</code> serves a simulated organisation under attack.
      </p>
    </Empty>
  );
}

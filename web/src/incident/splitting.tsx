import { Button, Checkbox, Group, Modal } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { api, got } from '../api/client';
import { count } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Key, Said, Severity, Time, Trouble, Waiting } from '../ui/parts';
import { useRows } from '../ui/rows';
import { visible } from '../ui/visible';
import type { Case } from './asks';
import { Foresee, type Regrouping, type SplitOff } from './foreseen';

/** Splitting asks which alerts, or which incident that was merged in, leave this one, shows what both will say, and splits them. */
export default function Splitting({ incident, close, done }: Regrouping) {
  const [off, setOff] = useState<SplitOff>();
  return (
    <Modal opened onClose={close} title="Take something out of this incident" size="xl">
      {off ? (
        <Foresee incident={incident} step={{ split: off }} back={() => setOff(undefined)} done={done} />
      ) : (
        <div className="decide" tabIndex={-1} data-autofocus>
          <Parts incident={incident} choose={(part) => setOff({ incident: part })} />
          <Choose incident={incident} next={(alerts) => setOff({ alerts })} />
        </div>
      )}
    </Modal>
  );
}

/** Parts are the incidents that were merged in; each can be taken out as it came. */
function Parts({ incident, choose }: { incident: Case; choose: (uid: string) => void }) {
  const parts = incident.merged ?? [];
  useKeys(Object.fromEntries(parts.slice(0, 9).map((p, i) => [String(i + 1), () => choose(p)])), true, true);
  if (parts.length === 0) return null;
  return (
    <section aria-label="Merged in">
      <h3>Merged in by people</h3>
      <div className="choose">
        {parts.map((p, i) => (
          <button key={p} type="button" onClick={() => choose(p)}>
            {i < 9 && <Key>{i + 1}</Key>} Take out the incident <span className="mono">{visible(p.slice(0, 16))}</span>{' '}
            as it came
          </button>
        ))}
      </div>
    </section>
  );
}

/** Choose walks the incident's alerts by keys; enter goes on with those that are marked. */
function Choose({ incident, next }: { incident: Case; next: (uids: string[]) => void }) {
  const pages = useInfiniteQuery({
    queryKey: ['alerts', 'within', incident.uid],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      got(
        api.GET('/api/v1/alerts', {
          params: { query: { incident: incident.uid, sort: 'rank', limit: 200, after: pageParam || undefined } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next || undefined,
  });
  const rows = useMemo(() => pages.data?.pages.flatMap((p) => p.items ?? []) ?? [], [pages.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = pages;
  const end = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const total = pages.data?.pages[0]?.total ?? 0;
  const list = useRows({ rows, id: (r) => r.uid, open: () => go(), height: 44, end, inDialog: true });
  const some = list.chosen.size > 0 && list.chosen.size < total;
  function go() {
    if (some) next([...list.chosen]);
  }
  return (
    <section aria-label="Alerts of this incident">
      <h3>
        Its alerts ({count(total)}) <span className="dim">j and k walk, x marks, enter goes on</span>
      </h3>
      {pages.isPending && <Waiting what="Reading its alerts" />}
      {pages.error && <Trouble error={pages.error} retry={() => pages.refetch()} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
      <section className="rows within" ref={list.box} tabIndex={0} aria-label="List of its alerts">
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
                {/* biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/noStaticElementInteractions: x does the same */}
                <div
                  className={`choice ${v.index === list.at ? 'on' : ''}`}
                  aria-current={v.index === list.at || undefined}
                  onClick={() => list.setCursor(r.uid)}
                >
                  <Checkbox
                    size="xs"
                    checked={list.chosen.has(r.uid)}
                    onChange={() => list.toggle(r.uid)}
                    aria-label={`Take out: ${visible((r.sentence || r.title).slice(0, 80))}`}
                  />
                  <Severity level={r.severity} />
                  <span>
                    <Said text={r.sentence || r.title} most={200} />
                  </span>
                  <span className="dim">
                    <Time at={r.last_seen} />
                  </span>
                </div>
              </li>
            ) : null;
          })}
        </ul>
      </section>
      <Group justify="flex-end" mt="sm">
        <span className="dim">
          {list.chosen.size === 0
            ? 'Mark what is another story.'
            : some
              ? `${count(list.chosen.size)} of ${count(total)} marked`
              : 'At least one must stay: unmark it.'}
        </span>
        <Button disabled={!some} onClick={go}>
          See what both will say
        </Button>
      </Group>
    </section>
  );
}

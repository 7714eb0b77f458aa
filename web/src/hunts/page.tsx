import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMay } from '../api/asks';
import { api, got } from '../api/client';
import { count } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Ago, Empty, Key, Trouble, Waiting } from '../ui/parts';
import { useRows } from '../ui/rows';
import { visible } from '../ui/visible';
import { asked as askedBy, type Hunt } from './hunt';
import { Keep } from './keep';
import { One } from './one';

/** Hunts lists the questions that are kept; one opens to run it, and to make a rule of it. */
export function Hunts() {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const may = useMay('triage');
  const asked = useQuery({ queryKey: ['hunts'], queryFn: () => got(api.GET('/api/v1/hunts')) });
  const list = asked.data ?? [];
  const make = () => go({ to: '/hunts', search: { make: '1' } });
  useKeys({ n: may ? make : undefined });
  const one = list.find((h) => h.name === search.hunt);
  return (
    <div className="page">
      <header className="page-head">
        <h1>Hunts</h1>
        <span className="dim">{asked.data && count(list.length)}</span>
        {may && (
          <Button size="xs" variant="default" onClick={make}>
            New hunt&nbsp;<Key>n</Key>
          </Button>
        )}
      </header>
      {search.make && may && <Keep key={`${search.filter}${search.sql}${search.sigma}`} />}
      {asked.isPending && <Waiting what="Reading hunts" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {search.hunt && asked.data && !one && (
        <Empty title="There is no hunt of this name">It may be somebody else's, or its file is gone.</Empty>
      )}
      {one && <One hunt={one} key={one.name} />}
      {asked.data && list.length === 0 && !search.make && (
        <Empty title="No hunt is kept yet">
          A hunt is a question that is asked again: ask it in Search, then keep it. It can run by itself, and become a
          rule.
        </Empty>
      )}
      {list.length > 0 && <List list={list} />}
    </div>
  );
}

function List({ list }: { list: readonly Hunt[] }) {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const open = (h: Hunt) => go({ to: '/hunts', search: { hunt: search.hunt === h.name ? undefined : h.name } });
  const rows = useRows({ rows: list, id: (h) => h.name, open, height: 34 });
  const items = rows.virtual.getVirtualItems();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard
    <section className="table" ref={rows.box} tabIndex={0} aria-label="Hunts that are kept">
      <table>
        <thead>
          <tr>
            {['hunt', 'question', 'asked in', 'runs', 'hits', 'last run', 'owner'].map((c) => (
              <th key={c} scope="col">
                {c}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr style={{ height: items[0]?.start ?? 0 }} aria-hidden />
          {items.map((v) => {
            const h = list[v.index];
            return h ? (
              <tr
                key={h.name}
                className={v.index === rows.at ? 'on' : ''}
                onClick={() => {
                  rows.setCursor(h.name);
                  open(h);
                }}
              >
                <td className="wide">{visible(h.title.slice(0, 120))}</td>
                <td className="wide">{visible(h.question.slice(0, 200))}</td>
                <td>{askedBy(h.query).language}</td>
                <td>{h.every ? `every ${visible(h.every)}` : 'when asked'}</td>
                <td>{h.result ? h.result.error ? <span className="bad">failed</span> : count(h.result.hits) : '–'}</td>
                <td>
                  <Ago at={h.result?.at} />
                </td>
                <td>{visible(h.owner ?? '')}</td>
              </tr>
            ) : null;
          })}
          <tr style={{ height: Math.max(0, rows.virtual.getTotalSize() - (items.at(-1)?.end ?? 0)) }} aria-hidden />
        </tbody>
      </table>
    </section>
  );
}

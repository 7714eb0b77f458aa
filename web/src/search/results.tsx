import { useNavigate, useSearch } from '@tanstack/react-router';
import { entityIn } from '../entity/kinds';
import { EntityLink } from '../entity/link';
import { EventRecord } from '../incident/events';
import { Time } from '../ui/parts';
import { Raw } from '../ui/raw';
import { useRows } from '../ui/rows';
import { visible } from '../ui/visible';
import type { Found } from './ask';

const longest = 200; // characters of a cell; the record has all

/** cell is a value of an answer as text. */
function cell(v: unknown): string {
  if (v === null || v === undefined) return '';
  return typeof v === 'object' ? JSON.stringify(v) : String(v);
}

interface ResultsProps {
  found: Found;
  narrow?: (column: string, value: string | null) => void;
}

/** Results are the rows of an answer; one with an event's uid opens its record, any other itself. */
export function Results({ found, narrow }: ResultsProps) {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const columns = found.columns ?? [];
  const uid = columns.indexOf('uid');
  const time = columns.indexOf('time_dt');
  const rows = (found.rows ?? []).map((cells, i) => ({
    cells: cells ?? [],
    id: uid >= 0 ? cell(cells?.[uid]) : String(i),
  }));
  const open = (id: string) =>
    go({ to: '/search', search: { ...search, event: search.event === id ? undefined : id }, replace: true });
  const list = useRows({ rows, id: (r) => r.id, open: (r) => open(r.id), height: 30 });
  const seen = rows.find((r) => r.id === search.event);
  const shown = columns.map((c, i) => ({ c, i })).filter(({ i }) => i !== uid);
  return (
    <>
      {seen && (
        <section className="panel" aria-label="Event">
          <header>
            <h2>Event {visible(seen.id)}</h2>
            <button type="button" className="link" onClick={() => open(seen.id)}>
              close
            </button>
          </header>
          {uid >= 0 ? (
            <EventRecord uid={seen.id} key={seen.id} />
          ) : (
            <Raw label="Row" value={Object.fromEntries(columns.map((c, i) => [c, seen.cells[i]]))} />
          )}
        </section>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
      <section className="table" ref={list.box} tabIndex={0} aria-label="Rows">
        <table>
          <thead>
            <tr>
              {shown.map(({ c }) => (
                <th key={c} scope="col">
                  {visible(c)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {list.virtual.getVirtualItems()[0] && (
              <tr style={{ height: list.virtual.getVirtualItems()[0]?.start ?? 0 }} aria-hidden />
            )}
            {list.virtual.getVirtualItems().map((v) => {
              const r = rows[v.index];
              return r ? (
                <tr
                  key={r.id}
                  className={v.index === list.at ? 'on' : ''}
                  onClick={() => {
                    list.setCursor(r.id);
                    open(r.id);
                  }}
                >
                  {shown.map(({ c, i }) => {
                    const text = cell(r.cells[i]);
                    const entity = entityIn(c, r.cells[i]);
                    return (
                      <td key={c} className={text.length > 40 ? 'wide' : ''}>
                        {i === time ? (
                          <Time at={text} />
                        ) : entity ? (
                          <EntityLink entity={entity} />
                        ) : (
                          visible(text.slice(0, longest))
                        )}
                        {!entity && text.length > longest && '…'}
                        {narrow && i !== time && (
                          <button
                            type="button"
                            className="only"
                            tabIndex={-1}
                            aria-label={`Only ${c} = ${visible(text.slice(0, 60))}`}
                            onClick={(e) => {
                              e.stopPropagation();
                              narrow(c, r.cells[i] === null ? null : text);
                            }}
                          >
                            +
                          </button>
                        )}
                      </td>
                    );
                  })}
                </tr>
              ) : null;
            })}
            <tr
              style={{
                height: Math.max(0, list.virtual.getTotalSize() - (list.virtual.getVirtualItems().at(-1)?.end ?? 0)),
              }}
              aria-hidden
            />
          </tbody>
        </table>
      </section>
    </>
  );
}

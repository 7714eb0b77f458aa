import { Button, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useMay, useMe } from '../api/asks';
import { api, got, type Schemas } from '../api/client';
import { bytes, count, known } from '../ui/format';
import { Said, Time, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { Adding } from './adding';
import { type Deed, deedsFor, done } from './deeds';

type Detail = Schemas['Detail'];
type Report = Schemas['Report'];

const names: Readonly<Record<Deed, string>> = {
  verify: 'Verify',
  zip: 'Export as zip',
  html: 'Export as a page',
  hold: 'Put on legal hold',
  release: 'End the hold',
  delete: 'Delete',
};

const itemsAtOnce = 100;
const kinds = ['screenshot', 'file', 'incident', 'entity', 'event'];
const rank = (kind: string) => kinds.indexOf(kind);

/** SetPage is one set: what can be done with it, what it holds, and its chain of custody, which notes that one looked. */
export function SetPage({ id }: { id: string }) {
  const asked = useQuery({
    queryKey: ['evidence', 'one', id],
    queryFn: () => got(api.GET('/api/v1/evidence/{uid}', { params: { path: { uid: id } } })),
    staleTime: Number.POSITIVE_INFINITY, // each reading is a line of the chain of custody
  });
  const may = useMay('triage');
  if (asked.error) return <Trouble error={asked.error} retry={() => asked.refetch()} />;
  if (!asked.data) return <Waiting what="Reading the set" />;
  const d = asked.data;
  return (
    <div className="record">
      {(d.problem || d.custody_problem) && (
        <Trouble error={new Error([d.problem, d.custody_problem].filter(Boolean).join('\n'))} />
      )}
      {known(d.held_at) && (
        <p>
          On legal hold by {visible(d.held_by ?? '')} since <Time at={d.held_at} />: <Said text={d.held_why ?? ''} />.
          It cannot be deleted until somebody who governs ends the hold.
        </p>
      )}
      {may && !known(d.deleted_at) && <Adding set={d.id} />}
      <Deeds set={d} />
      <Items set={d} />
      <Custody set={d} />
    </div>
  );
}

function Deeds({ set }: { set: Detail }) {
  const rights = useMe().data?.rights ?? [];
  const client = useQueryClient();
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState<Deed>();
  const [fault, setFault] = useState<Error>();
  const [said, setSaid] = useState<string | Report>();
  const [sure, setSure] = useState(false);
  const deeds = deedsFor(set, rights);
  async function run(deed: Deed) {
    if (deed === 'delete' && !sure) {
      setSure(true);
      return;
    }
    setSure(false);
    setBusy(deed);
    setFault(undefined);
    setSaid(undefined);
    try {
      setSaid(await done(deed, set.id, why.trim()));
      if (deed !== 'verify') setWhy('');
      await client.invalidateQueries({ queryKey: ['evidence'] });
    } catch (e) {
      setFault(e as Error);
    }
    setBusy(undefined);
  }
  if (deeds.length === 0) return null;
  return (
    <div>
      <div className="line">
        <TextInput
          size="xs"
          aria-label="Why it is exported, held, released or deleted"
          placeholder="Why (not for Verify)"
          maxLength={4000}
          value={why}
          onChange={(e) => setWhy(e.currentTarget.value)}
        />
        {deeds.map((d) => (
          <Button
            key={d}
            size="xs"
            variant="default"
            loading={busy === d}
            disabled={!!busy || (d !== 'verify' && !why.trim())}
            onClick={() => run(d)}
            onBlur={() => setSure(false)}
            color={d === 'delete' ? 'red' : undefined}
          >
            {d === 'delete' && sure ? 'Delete for good?' : names[d]}
          </Button>
        ))}
      </div>
      {fault && <Trouble error={fault} />}
      <div role="status">{typeof said === 'string' ? <p>{visible(said)}</p> : said && <Verified report={said} />}</div>
    </div>
  );
}

function Verified({ report: r }: { report: Report }) {
  const bad = r.problems ?? [];
  return (
    <>
      <p className={bad.length ? 'bad' : 'good'}>
        {bad.length ? 'It does not verify.' : 'It verifies.'} {count(r.items)} items, {bytes(r.bytes)};{' '}
        {count(r.proven)} of {count(r.events)} events proven by the ledger as they were received; {count(r.custody)}{' '}
        lines of custody.
      </p>
      {bad.map((p) => (
        <p key={p} className="bad">
          <Said text={p} />
        </p>
      ))}
    </>
  );
}

function Items({ set }: { set: Detail }) {
  const [most, setMost] = useState(itemsAtOnce);
  const all = (set.manifests ?? [])
    .flatMap((m) => (m.manifest.items ?? []).map((i) => ({ ...i, capture: m.manifest })))
    .sort((a, b) => rank(a.kind) - rank(b.kind)); // what people added first: it would be lost among the events
  const notes = [...new Set((set.manifests ?? []).flatMap((m) => m.manifest.notes ?? []))];
  return (
    <details open={all.length <= itemsAtOnce}>
      <summary>What it holds ({count(all.length)})</summary>
      {notes.map((n) => (
        <p key={n} className="dim">
          <Said text={n} />
        </p>
      ))}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
      <section className="scroll" tabIndex={0} aria-label="Items">
        <table className="grid">
          <thead>
            <tr>
              <th>Kind</th>
              <th>What</th>
              <th className="num">Size</th>
              <th>Proven</th>
              <th>Added</th>
              <th>Why</th>
              <th>SHA-256</th>
            </tr>
          </thead>
          <tbody>
            {all.slice(0, most).map((i) => (
              <tr key={`${i.capture.capture} ${i.kind} ${i.name} ${i.sha256}`}>
                <td>{visible(i.kind)}</td>
                <td>
                  <Said text={i.name} most={120} />
                </td>
                <td className="num">{bytes(i.bytes)}</td>
                <td>
                  {i.event ? i.event.proof ? <span className="good">as received</span> : 'as captured' : 'as captured'}
                </td>
                <td>
                  {visible(i.capture.by.name)}, <Time at={i.capture.at} />
                </td>
                <td>
                  <Said text={i.capture.why} most={80} />
                </td>
                <td className="mono" title={i.sha256}>
                  {known(set.deleted_at) ? (
                    visible(i.sha256.slice(0, 16))
                  ) : (
                    <a
                      href={`/api/v1/evidence/${encodeURIComponent(set.id)}/items/${encodeURIComponent(i.sha256)}`}
                      download
                    >
                      {visible(i.sha256.slice(0, 16))}
                    </a>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {all.length > most && (
        <Button size="xs" variant="default" onClick={() => setMost(most + 500)}>
          {count(all.length - most)} more
        </Button>
      )}
    </details>
  );
}

function Custody({ set }: { set: Detail }) {
  const list = set.custody ?? [];
  return (
    <div>
      <h3>Chain of custody ({count(list.length)})</h3>
      <ol className="activity">
        {list.map((c) => (
          <li key={`${c.at} ${c.previous}`}>
            <span className="dim">
              <Time at={c.at} />
            </span>
            <strong>{visible(c.by.name)}</strong>
            <span>
              {visible(c.action)}
              {c.object && <span className="mono"> {visible(c.object.slice(0, 16))}</span>}
            </span>
            {c.by.address && <span className="dim">from {visible(c.by.address)}</span>}
            {c.detail && <Said text={c.detail} />}
          </li>
        ))}
      </ol>
    </div>
  );
}

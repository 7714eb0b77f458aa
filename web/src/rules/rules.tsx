import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, got } from '../api/client';
import { count } from '../ui/format';
import { Ago, Empty, Severity, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';

/** Rule is what the desk knows of a rule that fired. */
interface Rule {
  id: string;
  title: string;
  severity: string;
  last?: string;
  alerts: number;
  judged: number;
  right: number;
}

async function fired(): Promise<Rule[]> {
  const [precision, alerts] = await Promise.all([
    got(api.GET('/api/v1/precision')),
    got(api.GET('/api/v1/alerts', { params: { query: { sort: 'newest', limit: 1000 } } })),
  ]);
  const newest = new Map((alerts.items ?? []).toReversed().map((a) => [a.rule_id, a]));
  return (precision ?? [])
    .map((p) => {
      const a = newest.get(p.rule_id);
      const right = p.true_positive + p.benign_true_positive;
      return {
        id: p.rule_id,
        title: a?.title ?? p.rule_id,
        severity: a?.severity ?? '',
        last: a?.last_seen,
        alerts: p.alerts,
        judged: right + p.false_positive,
        right,
      };
    })
    .sort((a, b) => b.alerts - a.alerts || a.title.localeCompare(b.title));
}

/** Rules lists the rules that fired: how often, when last, and how the verdicts fell. */
export function Rules() {
  const asked = useQuery({ queryKey: ['rules'], queryFn: fired });
  const [text, setText] = useState('');
  const rows = (asked.data ?? []).filter((r) => r.title.toLowerCase().includes(text.toLowerCase()));
  return (
    <div className="page">
      <header className="page-head">
        <h1>Rules that fired</h1>
        <span className="dim">{asked.data && count(asked.data.length)}</span>
        <TextInput
          size="xs"
          aria-label="Words in the title"
          placeholder="Words in the title"
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
        />
      </header>
      {asked.isPending && <Waiting what="Reading rules" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.data && rows.length === 0 && (
        <Empty title={asked.data.length === 0 ? 'No rule has fired yet' : 'No rule has these words'}>
          <code>tocsin rules list</code> lists all rules; <code>tocsin rules test</code> shows that each can fire.
        </Empty>
      )}
      {rows.length > 0 && (
        <div className="panel scroll">
          <table className="grid">
            <thead>
              <tr>
                <th>Severity</th>
                <th>Rule</th>
                <th className="num">Alerts</th>
                <th>Last fired</th>
                <th>Precision</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((r) => (
                <tr key={r.id}>
                  <td>{r.severity && <Severity level={r.severity} />}</td>
                  <td>
                    <Link to="/alerts" search={{ rule: r.id, status: 'any' }}>
                      {visible(r.title)}
                    </Link>
                  </td>
                  <td className="num">{count(r.alerts)}</td>
                  <td>
                    <Ago at={r.last} />
                  </td>
                  <td>
                    {r.judged === 0 ? (
                      <span className="dim">no verdicts yet</span>
                    ) : (
                      `${Math.round((100 * r.right) / r.judged)} % of ${count(r.judged)} judged`
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

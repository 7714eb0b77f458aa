import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api, got, type Schemas } from '../api/client';
import { count, plain } from '../ui/format';
import { Empty, Panel, Trouble, Waiting } from '../ui/parts';

type Technique = Schemas['Technique'];

/** standing says how well a technique is covered: it fired lately, a rule sees its logs, or there is only a rule. */
function standing(t: Technique): 'fired' | 'sees' | 'blind' {
  if (t.alerts_30_days > 0) return 'fired';
  return t.seeing > 0 ? 'sees' : 'blind';
}

/** Attack shows which techniques of ATT&CK there are rules for, whether their logs come in, and which fired lately. */
export function Attack() {
  const asked = useQuery({ queryKey: ['attack'], queryFn: () => got(api.GET('/api/v1/attack')) });
  const list = asked.data ?? [];
  const tactics = [...new Set(list.map((t) => t.tactic))];
  const n = (s: string) => count(list.filter((t) => standing(t) === s).length);
  return (
    <div className="page">
      <header className="page-head">
        <h1>ATT&CK</h1>
        {asked.data && (
          <span className="dim">
            {n('fired')} fired in 30 days · {n('sees')} with rule and data · {n('blind')} with a rule, without data
          </span>
        )}
      </header>
      {asked.isPending && <Waiting what="Reading coverage" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.data && list.length === 0 && (
        <Empty title="No rule names a technique">tocsin rules list shows what rules there are.</Empty>
      )}
      <div className="tactics">
        {tactics.map((tactic) => (
          <Panel key={tactic} title={plain(tactic)}>
            <ul className="attacks">
              {list
                .filter((t) => t.tactic === tactic)
                .map((t) => (
                  <li key={t.technique}>
                    <Link to="/rules" search={{ q: t.technique }} className={`technique ${standing(t)}`}>
                      <span className="mono">{t.technique || 'no technique'}</span>
                      <span>
                        {count(t.rules?.length ?? 0)} {t.rules?.length === 1 ? 'rule' : 'rules'}
                        {t.alerts_30_days > 0 && ` · ${count(t.alerts_30_days)} alerts`}
                        {standing(t) === 'blind' && ' · no data'}
                      </span>
                    </Link>
                  </li>
                ))}
            </ul>
          </Panel>
        ))}
      </div>
    </div>
  );
}

import { Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api, got, type Schemas } from '../api/client';
import { count } from '../ui/format';
import { useKeys } from '../ui/keys';
import { Ago, Empty, Key, Trouble, Waiting } from '../ui/parts';
import { save } from '../ui/save';
import { visible } from '../ui/visible';
import { says, standing, tactics } from './standing';

type Technique = Schemas['Technique'];

/** Attack shows which techniques of ATT&CK there are rules for, whether their logs come in, and which fired lately. */
export function Attack() {
  const asked = useQuery({ queryKey: ['attack'], queryFn: () => got(api.GET('/api/v1/attack')) });
  const list = asked.data ?? [];
  const n = (s: string) => count(list.filter((t) => standing(t) === s).length);
  return (
    <div className="page attack">
      <header className="page-head">
        <h1>ATT&CK</h1>
        {asked.data && (
          <span className="legend">
            <span className="technique fired">{n('fired')} fired in 30 days</span>
            <span className="technique sees">{n('sees')} with rule and data</span>
            <span className="technique blind">{n('blind')} with a rule, without data</span>
          </span>
        )}
        <Export />
      </header>
      {asked.isPending && <Waiting what="Reading coverage" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.data && list.length === 0 && (
        <Empty title="No rule names a technique">tocsin rules list shows what rules there are.</Empty>
      )}
      <div className="tactics">
        {tactics(list).map(({ tactic, name, techniques }) => (
          <section key={tactic} aria-label={name}>
            <h2>
              {name} <small>{count(techniques.length)}</small>
            </h2>
            <ul>
              {techniques.map((t) => (
                <li key={t.technique}>
                  <One technique={t} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </div>
  );
}

function One({ technique: t }: { technique: Technique }) {
  return (
    <Link
      to="/rules"
      search={{ q: t.technique }}
      preload={false}
      className={`technique ${standing(t)}`}
      title={visible(t.name ?? '')}
    >
      <strong>{visible((t.name || t.technique).split(': ').at(-1) ?? '')}</strong>
      <span>
        <span className="mono">{visible(t.technique)}</span> · {says(t)}
        {t.alerts_30_days > 0 && (
          <>
            , last <Ago at={t.last_fired} />
          </>
        )}
      </span>
    </Link>
  );
}

/** Export saves the layer for the ATT&CK Navigator, as tocsin rules coverage writes it. */
function Export() {
  const layer = useMutation({
    mutationFn: () => got(api.GET('/api/v1/attack/layer')),
    onSuccess: (l) => save('tocsin-rules.layer.json', `${JSON.stringify(l, null, 2)}\n`, 'application/json'),
  });
  useKeys({ l: () => layer.mutate() });
  return (
    <>
      <Button
        size="xs"
        variant="default"
        loading={layer.isPending}
        onClick={() => layer.mutate()}
        title="A layer for the ATT&CK Navigator: the score of a technique is its number of rules"
      >
        Navigator layer&nbsp;<Key>l</Key>
      </Button>
      {layer.error && <Trouble error={layer.error} />}
    </>
  );
}
